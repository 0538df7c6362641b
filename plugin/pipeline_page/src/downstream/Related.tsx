import { type ReactNode, useState } from "react";
import { Link } from "react-router-dom";

import { Acting } from "../actions/PlayOnChip";
import { usePolled } from "../data/polled";
import { pipelinePath, runPath } from "../data/requests";
import { isActive, type PipelineView } from "../data/types";
import { StatusIcon } from "../parts/StatusIcon";
import { statusWord } from "../parts/words";
import { NO_FILTER } from "../pipeline/Filters";
import { PlaceOfJobs } from "../pipeline/JobChip";
import { Stages } from "../pipeline/Stages";
import { Took } from "../projects/Brief";
import type { RelatedView, RelatedViews } from "./types";

/**
 * The jobs of a pipeline, with the pipelines above it on the left and below it on the right. When the
 * first of these appears, the jobs stay as they are, with what a reader has opened.
 */
export function Related({ view, children }: { view: PipelineView; children: ReactNode }) {
  const has = view.upstream || view.stages.some((stage) => stage.jobs.some((job) => job.downstream));
  const path = has ? `gitlab-ci/${runPath(view.dag, view.run)}/related` : "";
  const { value, problem } = usePolled<RelatedViews>(path, () => (isActive(view) ? 3000 : 10_000));
  const [opened, setOpened] = useState("");
  const open = value?.downstream.find((one) => one.task === opened);
  return (
    <div className={has ? "glp-flow" : undefined}>
      {value?.upstream && (
        <section aria-label="Upstream pipeline">
          <h3>Upstream</h3>
          <Card related={value.upstream} />
        </section>
      )}
      <div className="glp-own">{children}</div>
      {problem && <p className="glp-muted">{problem.message}</p>}
      {value && value.downstream.length > 0 && (
        <section aria-label="Downstream pipelines">
          <h3>Downstream</h3>
          <ul>
            {value.downstream.map((one) => (
              <li key={one.task}>
                <Card related={one}>
                  {one.pipeline && (
                    <button
                      type="button"
                      className="glp-button"
                      aria-expanded={one.task === opened}
                      onClick={() => setOpened(one.task === opened ? "" : one.task)}
                    >
                      {one.task === opened ? "Hide jobs" : "Show jobs"}
                    </button>
                  )}
                </Card>
              </li>
            ))}
          </ul>
        </section>
      )}
      {open && <Unfolded key={open.task} related={open} />}
    </div>
  );
}

function Card({ related, children }: { related: RelatedView; children?: ReactNode }) {
  const { pipeline } = related;
  const about = pipeline?.about;
  return (
    <div className={`glp-card glp-${pipeline?.status ?? "absent"}`}>
      <div className="glp-line">
        <StatusIcon status={pipeline?.status ?? "absent"} />
        <strong>{pipeline ? statusWord(pipeline.status) : "Not visible to you"}</strong>
        <span className="glp-time">{pipeline && <Took pipeline={pipeline} />}</span>
      </div>
      <div className="glp-name">
        {pipeline ? (
          <Link className="glp-link" to={pipelinePath(related)}>
            {about?.id ? `${about.project} #${about.id}` : related.run}
          </Link>
        ) : (
          related.dag
        )}
      </div>
      <div className="glp-line">
        <span className="glp-muted">job {related.task}</span>
        {children}
      </div>
    </div>
  );
}

/** The jobs of a pipeline below, read with the permissions for its DAG. */
function Unfolded({ related }: { related: RelatedView }) {
  const path = `gitlab-ci/${runPath(related.dag, related.run)}`;
  const { value, problem, refresh } = usePolled<PipelineView>(path, (view) => (isActive(view) ? 2000 : 10_000));
  if (problem && !value) return <p className="glp-notice glp-failed">{problem.message}</p>;
  if (!value) return <p role="status">Loading the pipeline</p>;
  return (
    <section className="glp-unfolded" aria-label={`Jobs of ${value.project} #${value.id}`}>
      <PlaceOfJobs.Provider value={pipelinePath(related)}>
        <Related view={{ ...value, upstream: "" }}>
          <Acting.Provider value={{ view: value, refresh }}>
            <Stages view={value} filter={NO_FILTER} />
          </Acting.Provider>
        </Related>
      </PlaceOfJobs.Provider>
    </section>
  );
}
