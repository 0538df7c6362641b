// Requests to the API server. Addresses are relative to Airflow's base, which may have a path.

export class RequestError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export function address(path: string): string {
  return new URL(path, document.baseURI).href;
}

/** Names a run in addresses of this plugin and of Airflow's API. */
export function runPath(dag: string, run: string, runs = "runs"): string {
  return `dags/${encodeURIComponent(dag)}/${runs}/${encodeURIComponent(run)}`;
}

/** The page of a pipeline: below the list of projects, and not in Airflow's frame around a run. */
export function pipelinePath({ dag, run }: { dag: string; run: string }): string {
  return `/plugin/pipelines/${encodeURIComponent(dag)}/${encodeURIComponent(run)}`;
}

export async function send(path: string, options: RequestInit = {}): Promise<Response> {
  const response = await fetch(address(path), { credentials: "same-origin", ...options });
  if (!response.ok) throw new RequestError(response.status, await reason(response));
  return response;
}

/** Options of a request that sends JSON. */
export function posted(body: unknown, method = "POST"): RequestInit {
  return { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json", Accept: "application/json" } };
}

async function reason(response: Response): Promise<string> {
  const words: Record<number, string> = {
    401: "You are no longer logged in. Reload the page to log in again.",
    403: "You may not see or do this. Ask an administrator of this Airflow for access.",
  };
  const known = words[response.status];
  if (known) return known;
  try {
    const { detail } = await response.json();
    if (typeof detail === "string") return detail;
  } catch {
    // Not JSON: a proxy in between.
  }
  return `The server answered ${response.status} ${response.statusText}`.trim();
}
