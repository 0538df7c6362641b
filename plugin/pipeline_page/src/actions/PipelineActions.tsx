import { useNavigate } from "react-router-dom";

import { pipelinePath, runPath, send } from "../data/requests";
import type { PipelineView } from "../data/types";
import { cancelPipeline, create, failedJobs, retryFailed } from "./plan";
import { useAction } from "./useAction";

const ENDED = new Set(["success", "warning", "failed", "canceled", "skipped"]);

export function PipelineActions({ view, refresh }: { view: PipelineView; refresh: () => void }) {
  const action = useAction(refresh);
  const navigate = useNavigate();
  const ended = ENDED.has(view.status);

  async function again(): Promise<void> {
    const made = (await action.take(async () => {
      const run = await send(`api/v2/${runPath(view.dag, view.run, "dagRuns")}`);
      return create(view.dag, (await run.json()).conf);
    })) as { dag_run_id?: string } | undefined;
    if (made?.dag_run_id) navigate(pipelinePath({ dag: view.dag, run: made.dag_run_id }));
  }

  return (
    <div className="glp-actions">
      {ended && view.may.clear && failedJobs(view).length > 0 && (
        <button type="button" className="glp-button" disabled={action.busy} onClick={() => void action.take(retryFailed(view))}>
          Retry failed jobs
        </button>
      )}
      {!ended && view.may.cancel && (
        <button type="button" className="glp-button glp-danger" disabled={action.busy} onClick={() => void action.take(cancelPipeline(view))}>
          Cancel pipeline
        </button>
      )}
      {ended && view.may.run && !view.upstream && (
        <button type="button" className="glp-button" disabled={action.busy} onClick={() => void again()}>
          Run again
        </button>
      )}
      {action.problem && <span role="alert" className="glp-problem">{action.problem}</span>}
    </div>
  );
}
