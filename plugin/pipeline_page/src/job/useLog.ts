import { useEffect, useState } from "react";

import { RequestError, runPath, send } from "../data/requests";
import { Lines } from "./lines";

export interface Log {
  lines: Lines;
  /** Changes with every addition: `lines` itself stays the same object. */
  count: number;
  loading: boolean;
  problem: string;
}

const PAUSE = 1500;

function logPath(dag: string, run: string, task: string, attempt: number): string {
  return `api/v2/${runPath(dag, run, "dagRuns")}/taskInstances/${encodeURIComponent(task)}/logs/${attempt}`;
}

/** Reads the log of a try from Airflow's API: at once, then what is added while the job runs. */
export function useLog(dag: string, run: string, task: string, attempt: number, live: boolean): Log {
  const [log, setLog] = useState<Log>({ lines: new Lines(), count: 0, loading: true, problem: "" });

  useEffect(() => {
    const lines = new Lines();
    const stopped = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const path = logPath(dag, run, task, attempt);
    const tell = (more: Partial<Log>) => setLog({ lines, count: lines.texts.length, loading: false, problem: "", ...more });
    setLog({ lines, count: 0, loading: true, problem: "" });

    async function readWhole(): Promise<void> {
      const response = await send(`${path}?full_content=true`, {
        headers: { Accept: "application/x-ndjson" },
        signal: stopped.signal,
      });
      await readStream(response, lines, () => tell({ loading: true }));
      tell({});
    }

    async function follow(token: string): Promise<void> {
      const more = token ? `?token=${encodeURIComponent(token)}` : "";
      const response = await send(`${path}${more}`, { headers: { Accept: "application/json" }, signal: stopped.signal });
      const { content, continuation_token: next } = await response.json();
      for (const entry of Array.isArray(content) ? content : []) addEntry(lines, entry);
      tell({});
      if (next) timer = setTimeout(() => void guarded(() => follow(next)), PAUSE);
    }

    async function guarded(work: () => Promise<void>): Promise<void> {
      try {
        await work();
      } catch (error) {
        if (stopped.signal.aborted) return;
        tell({ problem: error instanceof RequestError ? error.message : "The log cannot be read: Airflow does not answer." });
        if (live && !(error instanceof RequestError && error.status < 500)) timer = setTimeout(() => void guarded(work), 4 * PAUSE);
      }
    }

    if (attempt > 0) void guarded(live ? () => follow("") : readWhole);
    else tell({});
    return () => {
      stopped.abort();
      clearTimeout(timer);
    };
  }, [dag, run, task, attempt, live]);

  return log;
}

async function readStream(response: Response, lines: Lines, tell: () => void): Promise<void> {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let told = Date.now();
  for (;;) {
    const { done, value } = await reader.read();
    const whole = (rest + (value ?? "")).split("\n");
    rest = done ? "" : (whole.pop() ?? "");
    for (const text of whole) if (text) addEntry(lines, parsed(text));
    if (done) return;
    if (Date.now() - told > 200) {
      told = Date.now();
      tell();
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Adds an entry of Airflow's log: its text, and the messages of its exceptions. */
export function addEntry(lines: Lines, entry: unknown): void {
  if (typeof entry === "string") return lines.add(entry);
  if (typeof entry !== "object" || entry === null) return;
  const { event, level, error_detail: failures } = entry as Record<string, unknown>;
  const text = String(event ?? "");
  lines.add(text, typeof level === "string" ? level.toLowerCase() : "");
  for (const failure of Array.isArray(failures) ? failures : []) {
    const words = String((failure as Record<string, unknown>)?.exc_value ?? "");
    if (words && words !== text) lines.add(words, "error");
  }
}
