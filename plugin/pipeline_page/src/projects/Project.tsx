import { memo, useState } from "react";
import { Link } from "react-router-dom";

import { useAction } from "../actions/useAction";
import { Outside } from "../parts/Outside";
import { count } from "../parts/words";
import { Brief } from "./Brief";
import { Diagnostics } from "./Diagnostics";
import { RunForm } from "./RunForm";
import type { ProjectView } from "./types";

/** One project: how its configuration does, and the last pipeline of each ref. */
export const Project = memo(function Project({ project, refresh }: { project: ProjectView; refresh: () => void }) {
  const sync = useAction(refresh);
  const [said, setSaid] = useState("");
  const [asking, setAsking] = useState(false);

  async function syncNow(): Promise<void> {
    setSaid("");
    const path = `gitlab-ci/dags/${encodeURIComponent(project.dag)}/sync`;
    const done = (await sync.take({ method: "POST", path, body: {} })) as { text: string } | undefined;
    setSaid(done?.text ?? "");
  }

  return (
    <li className="glp-project" aria-label={project.path}>
      <div className="glp-title">
        <h3>
          <Outside href={project.url}>{project.path}</Outside>
        </h3>
        <div className="glp-actions">
          {project.runs && (
            <Link className="glp-link" to={`/dags/${encodeURIComponent(project.dag)}/runs`}>
              All pipelines
            </Link>
          )}
          {project.may.sync && (
            <button type="button" className="glp-button" disabled={sync.busy} onClick={() => void syncNow()}>
              {sync.busy ? "Syncing…" : "Sync now"}
            </button>
          )}
          {project.may.run && project.runs && (
            <button type="button" className="glp-button glp-main" onClick={() => setAsking(true)}>
              Run pipeline
            </button>
          )}
        </div>
      </div>
      <State project={project} />
      {(said || sync.problem) && (
        <p role="status" className={`glp-notice glp-${sync.problem ? "failed" : "running"}`}>
          {sync.problem || said}
        </p>
      )}
      <Diagnostics project={project} />
      {project.pipelines.length > 0 ? (
        <ul className="glp-briefs" aria-label="Last pipelines">
          {project.pipelines.map((pipeline) => (
            <Brief key={`${pipeline.dag} ${pipeline.run}`} pipeline={pipeline} />
          ))}
        </ul>
      ) : (
        <p className="glp-muted">No pipeline yet.</p>
      )}
      {asking && <RunForm project={project} close={() => setAsking(false)} />}
    </li>
  );
});

function State({ project }: { project: ProjectView }) {
  const { errors, warnings, sha } = project;
  const tone = errors || project.problem || project.broken ? "failed" : warnings ? "warning" : "success";
  const words = [errors ? count(errors, "error") : "", warnings ? count(warnings, "warning") : ""].filter(Boolean).join(", ");
  return (
    <p className="glp-line glp-muted">
      <span className={`glp-lint glp-${tone}`}>{project.problem ? "Cannot be read" : words || "No errors"}</span>
      {project.ref && (
        <span>
          {project.ref}
          {sha && (
            <>
              {" "}
              at <code>{sha.slice(0, 8)}</code>
            </>
          )}
        </span>
      )}
      {project.paused && <span className="glp-tag">paused</span>}
      {project.schedules.length > 0 && <span title={project.schedules.join("\n")}>{count(project.schedules.length, "schedule")}</span>}
      {project.problem && <span className="glp-problem">{project.problem}</span>}
      {project.broken && <span className="glp-problem">Airflow cannot read its DAG: see Import Errors on Airflow's home page.</span>}
    </p>
  );
}
