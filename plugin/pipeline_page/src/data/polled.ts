import { useCallback, useEffect, useRef, useState } from "react";

import { RequestError, send } from "./requests";
import { reuse } from "./reuse";

export interface Polled<Value> {
  value?: Value;
  problem?: RequestError;
  /** The problem is new and the value old: the connection is lost, and tried again. */
  refresh: () => void;
}

const LONGEST = 30_000;

/**
 * Reads an address, none if it is empty, again and again while the page is visible. The browser sends the version that it
 * has, so an unchanged answer costs no body; an unchanged part of the value stays the same object.
 */
export function usePolled<Value>(path: string, pause: (value: Value) => number): Polled<Value> {
  const [state, setState] = useState<{ path: string; value?: Value; problem?: RequestError }>({ path });
  const version = useRef("");
  const [asked, setAsked] = useState(0);
  const refresh = useCallback(() => setAsked((count) => count + 1), []);
  const pausing = useRef(pause);
  pausing.current = pause;

  useEffect(() => {
    if (!path) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let value: Value | undefined;
    let failures = 0;
    const stopped = new AbortController();
    version.current = "";

    async function read(): Promise<void> {
      clearTimeout(timer);
      try {
        const response = await send(path, { signal: stopped.signal });
        const newest = response.headers.get("ETag") ?? "";
        if (!newest || newest !== version.current) {
          value = reuse(value, (await response.json()) as Value);
          version.current = newest;
        }
        failures = 0;
        setState({ path, value });
      } catch (error) {
        if (stopped.signal.aborted) return;
        failures += 1;
        const problem = error instanceof RequestError ? error : new RequestError(0, "Airflow does not answer.");
        setState({ path, value, problem });
        if (problem.status === 401 || problem.status === 403 || problem.status === 404) return;
      }
      const wait = failures ? Math.min(1000 * 2 ** failures, LONGEST) : pausing.current(value as Value);
      timer = setTimeout(whenVisible, wait);
    }

    function whenVisible(): void {
      if (document.visibilityState === "hidden") return;
      void read();
    }

    document.addEventListener("visibilitychange", whenVisible);
    void read();
    return () => {
      stopped.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", whenVisible);
    };
  }, [path, asked]);

  return state.path === path ? { ...state, refresh } : { refresh };
}
