import { useState } from "react";

import { posted, RequestError, send } from "../data/requests";
import type { Call } from "./plan";

export interface Action {
  busy: boolean;
  problem: string;
  /** Gives the answer, or undefined when there was a problem. */
  take: (call: Call | (() => Promise<Call>)) => Promise<unknown>;
}

export function useAction(done: () => void): Action {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");

  async function take(call: Call | (() => Promise<Call>)): Promise<unknown> {
    setBusy(true);
    setProblem("");
    try {
      const { method, path, body } = typeof call === "function" ? await call() : call;
      const response = await send(path, posted(body, method));
      done();
      return await response.json();
    } catch (error) {
      setProblem(error instanceof RequestError ? error.message : "Airflow does not answer.");
      return undefined;
    } finally {
      setBusy(false);
    }
  }

  return { busy, problem, take };
}
