import { Link, useLocation } from "react-router-dom";

import { PipelineActions } from "../actions/PipelineActions";
import { pipelinePath, runPath } from "../data/requests";
import type { PipelineView } from "../data/types";
import { Elapsed } from "../parts/clock";
import { Copy } from "../parts/Copy";
import { Outside } from "../parts/Outside";
import { StatusIcon } from "../parts/StatusIcon";
import { ago, count, duration, moment, sourceWord, statusWord } from "../parts/words";

export function Header({ view, refresh }: { view: PipelineView; refresh: () => void }) {
  const title = view.name || view.ref.title || (view.id ? `Pipeline #${view.id}` : "Pipeline");
  return (
    <header className="glp-header">
      <div className="glp-title">
        <h2>{title}</h2>
        <PipelineActions view={view} refresh={refresh} />
      </div>
      <p className="glp-line">
        <StatusBadge status={view.status} />
        <strong>{view.id ? `#${view.id}` : "Pipeline"}</strong>
        <Started view={view} />
        <Commit view={view} />
      </p>
      <Facts view={view} />
    </header>
  );
}

export function StatusBadge({ status }: { status: string }) {
  return (
    <span className={`glp-badge glp-${status}`} data-testid="pipeline-status">
      <StatusIcon status={status} />
      {statusWord(status)}
    </span>
  );
}

function Started({ view }: { view: PipelineView }) {
  const by = view.user ? (
    <>
      {" "}
      by <strong>{view.user}</strong>
    </>
  ) : null;
  return (
    <span title={moment(view.created)}>
      created {ago(view.created)}
      {by}
    </span>
  );
}

function Commit({ view }: { view: PipelineView }) {
  const { ref } = view;
  if (!ref.sha) return null;
  return (
    <span className="glp-commit">
      for commit{" "}
      <Outside href={ref.commit_url} title={commitTitle(view)}>
        <code>{ref.sha.slice(0, 8)}</code>
      </Outside>
      <Copy text={ref.sha} label="Copy the commit's SHA" />
      {view.name && ref.title ? <span className="glp-muted">{ref.title}</span> : null}
      {ref.author ? <span className="glp-muted">by {ref.author}</span> : null}
    </span>
  );
}

function commitTitle({ ref }: PipelineView): string {
  return [ref.title, ref.author, moment(ref.committed)].filter(Boolean).join("\n");
}

function Facts({ view }: { view: PipelineView }) {
  const jobs = view.stages.flatMap((stage) => stage.jobs).filter((job) => job.status !== "absent");
  const { ref, merge_request: request } = view;
  return (
    <ul className="glp-facts">
      {view.project && (
        <li title="Project">
          <Glyph name="project" />
          <Outside href={view.project_url}>{view.project}</Outside>
          {view.iid ? <span className="glp-muted">pipeline {view.iid} of this project</span> : null}
        </li>
      )}
      {ref.name && (
        <li title={ref.tag ? "Tag" : "Branch"}>
          <Glyph name={ref.tag ? "tag" : "branch"} />
          <span className="glp-ref">
            <Outside href={ref.ref_url}>{ref.name}</Outside>
          </span>
        </li>
      )}
      {request && (
        <li title={`${request.source} into ${request.target}`}>
          <Glyph name="merge" />
          <Outside href={request.url}>
            {request.iid ? `!${request.iid} ` : ""}
            {request.title || `${request.source} into ${request.target}`}
          </Outside>
        </li>
      )}
      {view.source && (
        <li title={view.schedule ? `Schedule: ${view.schedule}` : "Why this pipeline exists"}>
          <span className="glp-tag">{sourceWord(view.source)}</span>
        </li>
      )}
      {view.upstream && (
        <li>
          <Glyph name="up" />
          <Link className="glp-link" to={`/${view.upstream}`}>
            upstream pipeline
          </Link>
        </li>
      )}
      <li title={view.started ? `Started ${moment(view.started)}` : "Not started"}>
        <Glyph name="clock" />
        <Duration view={view} />
      </li>
      {view.coverage !== null && (
        <li title="Mean coverage of the jobs that have one">
          <Glyph name="coverage" />
          coverage {view.coverage} %
        </li>
      )}
      <li>{count(jobs.length, "job")}</li>
      <li>
        <Elsewhere view={view} />
      </li>
    </ul>
  );
}

/** Leads from Airflow's page of the run to the pipeline's own, and back. */
function Elsewhere({ view }: { view: PipelineView }) {
  const { pathname, search } = useLocation();
  const own = pipelinePath(view);
  return pathname.startsWith("/dags/") ? (
    <Link className="glp-link" to={own + search}>
      open on its own
    </Link>
  ) : (
    <Link className="glp-link" to={`/${runPath(view.dag, view.run)}`}>
      run in Airflow
    </Link>
  );
}

function Duration({ view }: { view: PipelineView }) {
  if (!view.started) return <>not started</>;
  if (!view.ended) return <Elapsed since={view.started} />;
  return <>{duration((Date.parse(view.ended) - Date.parse(view.started)) / 1000)}</>;
}

const GLYPHS: Record<string, string> = {
  project: "M2.500 4.500h4l1.500 1.500h5.500v7h-11z",
  branch: "M5 3v10M5 10c0-3 6-2 6-5.500M3.500 3a1.500 1.500 0 1 0 3 0 1.500 1.500 0 0 0-3 0zm6 0a1.500 1.500 0 1 0 3 0 1.500 1.500 0 0 0-3 0zm-6 10a1.500 1.500 0 1 0 3 0 1.500 1.500 0 0 0-3 0z",
  tag: "M2.500 2.500h5l6 6-5 5-6-6zM5 5h.1",
  merge: "M4 3v10M12 13V8c0-2-1-3-3-3H7m2-2L7 5l2 2",
  clock: "M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zM8 5v3l2 1.500",
  coverage: "M8 2.500a5.500 5.500 0 1 0 5.500 5.500H8z",
  up: "M8 13V3.500M4 7l4-4 4 4",
};

function Glyph({ name }: { name: string }) {
  return (
    <svg className="glp-glyph" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={GLYPHS[name]} />
    </svg>
  );
}
