import { Link } from "react-router-dom";

import type { RequestError } from "../data/requests";
import type { JobView, PipelineView } from "../data/types";
import { why } from "../parts/why";
import { count } from "../parts/words";

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
          <Link className="glp-link" to={`/${view.moved_to}`}>
            The pipeline continues there
          </Link>
          .
        </p>
      )}
      {!brief && sentence(view) && !view.moved_to && (
        <div className={`glp-notice glp-${view.status}`}>
          {sentence(view)}
          <Causes jobs={causes(view)} />
        </div>
      )}
    </div>
  );
}

const MOST = 10;

/** The jobs because of which a pipeline is as it is, a click away. */
function Causes({ jobs }: { jobs: JobView[] }) {
  if (!jobs.length) return null;
  return (
    <ul className="glp-causes" aria-label="Because of these jobs">
      {jobs.slice(0, MOST).map((job) => (
        <li key={job.name}>
          <Link className="glp-link" to={{ search: `?job=${encodeURIComponent(job.task)}` }}>
            {job.name}
          </Link>
          {!job.blocking && why(job) && <span> {why(job)}</span>}
        </li>
      ))}
      {jobs.length > MOST && <li>and {count(jobs.length - MOST, "more job")}</li>}
    </ul>
  );
}

/** The jobs because of which a pipeline has failed, warns or waits. */
export function causes(view: PipelineView): JobView[] {
  const jobs = view.stages.flatMap((stage) => stage.jobs);
  if (view.status === "blocked") return jobs.filter((job) => job.blocking);
  return view.status === "failed" || view.status === "warning" ? jobs.filter((job) => job.status === view.status) : [];
}

export function sentence(view: PipelineView): string {
  const jobs = causes(view).length;
  if (view.status === "blocked") return `This pipeline waits for a person to play ${jobs === 1 ? "this job" : "these jobs"}:`;
  if (view.status === "failed" && jobs) return `Failed because of ${count(jobs, "job")}:`;
  if (view.status === "warning" && jobs) return `Passed, although ${count(jobs, "job")} failed that may fail:`;
  if (["failed", "canceled", "skipped", "warning"].includes(view.status) && view.text) {
    const text = view.text.replace(/^Pipeline\s+/, "");
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  }
  return "";
}
