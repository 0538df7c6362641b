import { useEffect, useState } from "react";

import { RequestError, send } from "./requests";

export interface Read<Value> {
  value?: Value;
  problem: string;
}

/** Reads an address, none if it is empty, and again when `version` changes; until then the value stays. */
export function useRead<Value>(path: string, version = ""): Read<Value> {
  const [state, setState] = useState<{ path: string; value?: Value; problem: string }>({ path, problem: "" });

  useEffect(() => {
    if (!path) return;
    const stopped = new AbortController();
    send(path, { signal: stopped.signal })
      .then(async (response) => setState({ path, value: (await response.json()) as Value, problem: "" }))
      .catch((error: unknown) => {
        if (stopped.signal.aborted) return;
        setState({ path, problem: error instanceof RequestError ? error.message : "Airflow does not answer." });
      });
    return () => stopped.abort();
  }, [path, version]);

  return state.path === path ? state : { problem: "" };
}
