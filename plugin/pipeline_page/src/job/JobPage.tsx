import { type ReactNode, useState } from "react";
import { Link } from "react-router-dom";

import { JobActions } from "../actions/JobActions";
import { runPath } from "../data/requests";
import type { JobView, PipelineView } from "../data/types";
import { Countdown, Elapsed } from "../parts/clock";
import { Outside } from "../parts/Outside";
import { StatusIcon } from "../parts/StatusIcon";
import { Written } from "../parts/Written";
import { count, duration, failedTests, jobStatusWord, testCount } from "../parts/words";
import { Place } from "../tabs/Place";
import { Tries, useTries } from "./Tries";
import { TryLog } from "./TryLog";

/** One job: how it did in a sentence, what is known of it, and its log. */
export function JobPage({ view, job, stage, refresh }: { view: PipelineView; job: JobView; stage: string; refresh: () => void }) {
  const [chosen, setChosen] = useState<number[]>([]);
  const shown = chosen.length ? chosen : [job.tries];
  const known = useTries(view, job);
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
      {job.tries > 1 && <Tries job={job} known={known} chosen={shown} onChoose={setChosen} />}
      {job.tries > 0 ? (
        <div className="glp-logs">
          {shown.map((attempt) => (
            <TryLog
              key={`${job.task} ${attempt}`}
              view={view}
              job={job}
              attempt={attempt}
              titled={job.tries > 1}
              known={known.find((each) => each.try_number === attempt)}
            />
          ))}
        </div>
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

function Facts({ view, job }: { view: PipelineView; job: JobView }) {
  const [tests, failed] = [testCount(job), failedTests(job)];
  return (
    <dl className="glp-dl">
      {job.started && (
        <Fact name="Duration">{job.duration === null ? <Elapsed since={job.started} /> : duration(job.duration)}</Fact>
      )}
      {job.status === "scheduled" && job.due && (
        <Fact name="Starts in">
          <Countdown to={job.due} />
        </Fact>
      )}
      {job.why && (
        <Fact name="Rules">
          {job.why} {job.rule && <Written view={view} place={job.rule} />}
        </Fact>
      )}
      {job.written.file && (
        <Fact name="Written in">
          <Written view={view} place={job.written} />
        </Fact>
      )}
      {job.needs && <Fact name="Needs">{job.needs.join(", ") || "nothing"}</Fact>}
      {job.environment && (
        <Fact name="Environment">
          <Outside href={job.environment_url}>{job.environment}</Outside>
        </Fact>
      )}
      {job.coverage !== null && <Fact name="Coverage">{job.coverage} %</Fact>}
      {tests > 0 && (
        <Fact name="Tests">
          <Place to="?tab=tests">{`${count(tests, "test")}${failed ? `, ${failed} failed` : ""}`}</Place>
        </Fact>
      )}
      {job.findings !== null && (
        <Fact name="Code quality">
          <Place to="?tab=quality">{count(job.findings, "finding")}</Place>
        </Fact>
      )}
      {job.artifacts > 0 && (
        <Fact name="Artifacts">
          <Place to="?tab=artifacts">{count(job.artifacts, "archive")}</Place>
        </Fact>
      )}
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
