import { type ReactNode, useState } from "react";
import { Link, useSearchParams } from "react-router-dom";

import { JobActions } from "../actions/JobActions";
import { runPath } from "../data/requests";
import type { JobView, PipelineView } from "../data/types";
import { Elapsed } from "../parts/clock";
import { Outside } from "../parts/Outside";
import { StatusIcon } from "../parts/StatusIcon";
import { count, duration, jobStatusWord } from "../parts/words";
import { LogView } from "./LogView";
import { logPath, useLog } from "./useLog";

const FAILED = new Set(["failed", "warning"]);

/** One job: how it did in a sentence, what is known of it, and its log. */
export function JobPage({ view, job, stage, refresh }: { view: PipelineView; job: JobView; stage: string; refresh: () => void }) {
  const [params, setParams] = useSearchParams();
  const [chosen, setChosen] = useState(0);
  const attempt = chosen || job.tries;
  const live = attempt === job.tries && (job.status === "running" || job.status === "pending");
  const log = useLog(view.dag, view.run, job.task, attempt, live);
  const reason = why(job);
  return (
    <article className="glp-job" aria-label={`Job ${job.name}`}>
      <nav aria-label="Position" className="glp-crumbs">
        <Link className="glp-link" to={{ search: "" }}>
          ← All jobs
        </Link>
        <span className="glp-muted">{stage}</span>
      </nav>
      <div className="glp-title">
        <h3 className="glp-jobname">
          <span className={`glp-badge glp-${job.status}`}>
            <StatusIcon status={job.status} />
            {jobStatusWord(job.status)}
          </span>
          {job.name}
        </h3>
        <JobActions view={view} job={job} refresh={refresh} />
      </div>
      {reason && <p className={`glp-notice glp-${job.status}`}>{reason}</p>}
      <Facts view={view} job={job} />
      {job.tries > 1 && (
        <div className="glp-tries" role="group" aria-label="Tries">
          {Array.from({ length: Math.min(job.tries, 50) }, (_, index) => index + 1).map((number) => (
            <button key={number} type="button" className="glp-count" aria-pressed={number === attempt} onClick={() => setChosen(number)}>
              Try {number}
            </button>
          ))}
        </div>
      )}
      {attempt > 0 ? (
        <LogView
          key={`${job.task} ${attempt}`}
          log={log}
          live={live}
          atEnd={FAILED.has(job.status)}
          line={Number(params.get("line")) || 0}
          raw={`${logPath(view.dag, view.run, job.task, attempt)}?full_content=true`}
          onLine={(line) => setParams({ job: job.task, line: String(line) }, { replace: true })}
        />
      ) : (
        <p className="glp-nothing">This job has not been started, so it has no log.</p>
      )}
    </article>
  );
}

/** Why the job is as it is, in one sentence. */
export function why(job: JobView): string {
  const exit = job.exit_code ? `, exit code ${job.exit_code}` : "";
  if (job.failure) {
    const said = job.reason.startsWith(job.failure) || job.reason === `exit code ${job.exit_code}`;
    const more = job.reason && !said ? `: ${job.reason}` : "";
    return `${job.failure.charAt(0).toUpperCase()}${job.failure.slice(1)}${exit}${more}`;
  }
  if (job.blocking) return "The pipeline waits for a person to play this job.";
  return job.reason && job.status !== "success" ? `${job.reason.charAt(0).toUpperCase()}${job.reason.slice(1)}` : "";
}

/** The job's place on the GitLab server, for a file of the pipeline's own commit. */
function placeOf(view: PipelineView, job: JobView): string {
  if (!view.project_url || !job.own_file) return "";
  const file = job.file.split("/").map(encodeURIComponent).join("/");
  return `${view.project_url}/-/blob/${encodeURIComponent(view.ref.sha)}/${file}#L${job.line}`;
}

function Facts({ view, job }: { view: PipelineView; job: JobView }) {
  const failed = (job.tests.failed ?? 0) + (job.tests.error ?? 0);
  const tests = Object.entries(job.tests).reduce((sum, [name, number]) => (name === "time" ? sum : sum + number), 0);
  return (
    <dl className="glp-dl">
      {job.started && (
        <Fact name="Duration">{job.duration === null ? <Elapsed since={job.started} /> : duration(job.duration)}</Fact>
      )}
      {job.why && <Fact name="Rules">{job.why}</Fact>}
      {job.file && (
        <Fact name="Written in">
          <Outside href={placeOf(view, job)}>
            {job.file}
            {job.line ? `:${job.line}` : ""}
          </Outside>
        </Fact>
      )}
      {job.needs && <Fact name="Needs">{job.needs.join(", ") || "nothing"}</Fact>}
      {job.environment && (
        <Fact name="Environment">
          <Outside href={job.environment_url}>{job.environment}</Outside>
        </Fact>
      )}
      {job.coverage !== null && <Fact name="Coverage">{job.coverage} %</Fact>}
      {tests > 0 && <Fact name="Tests">{`${count(tests, "test")}${failed ? `, ${failed} failed` : ""}`}</Fact>}
      {job.artifacts > 0 && <Fact name="Artifacts">{count(job.artifacts, "archive")}</Fact>}
      {job.downstream && (
        <Fact name="Downstream">
          <a className="glp-link" href={`${job.downstream}/plugin/pipeline`}>
            pipeline
          </a>
        </Fact>
      )}
      <Fact name="Airflow">
        <Link className="glp-link" to={`/${runPath(view.dag, view.run)}/tasks/${encodeURIComponent(job.task)}`}>
          task
        </Link>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
