import { Link } from "react-router-dom";

import type { RequestError } from "../data/requests";
import type { PipelineView } from "../data/types";

/** One sentence each, the most urgent first: why less is shown, how it ended, what it waits for. */
export function Notices(props: { view: PipelineView; problem?: RequestError; brief: boolean }) {
  const { view, problem, brief } = props;
  return (
    <div className="glp-notices" aria-live="polite">
      {problem && <p className="glp-notice glp-warning">{problem.message} What you see may be out of date.</p>}
      {view.problem && <p className="glp-notice glp-failed">{view.problem}</p>}
      {view.moved_to && (
        <p className="glp-notice glp-running">
          The jobs of this commit do not fit this DAG.{" "}
          <Link className="glp-link" to={`/${view.moved_to}/plugin/pipeline`}>
            The pipeline continues there
          </Link>
          .
        </p>
      )}
      {!brief && sentence(view) && !view.moved_to && <p className={`glp-notice glp-${view.status}`}>{sentence(view)}</p>}
    </div>
  );
}

export function sentence(view: PipelineView): string {
  if (view.status === "blocked") {
    const waiting = view.stages.flatMap((stage) => stage.jobs).filter((job) => job.blocking);
    return `This pipeline waits for a person to play ${waiting.map((job) => `'${job.name}'`).join(", ")}.`;
  }
  if (["failed", "canceled", "skipped", "warning"].includes(view.status) && view.text) {
    const text = view.text.replace(/^Pipeline\s+/, "");
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  }
  return "";
}
