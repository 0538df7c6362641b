import { type ReactNode, useState } from "react";
import { Link, useSearchParams } from "react-router-dom";

import { JobActions } from "../actions/JobActions";
import { runPath } from "../data/requests";
import type { JobView, PipelineView } from "../data/types";
import { Countdown, Elapsed } from "../parts/clock";
import { Outside } from "../parts/Outside";
import { StatusIcon } from "../parts/StatusIcon";
import { why } from "../parts/why";
import { Written } from "../parts/Written";
import { ago, count, duration, failedTests, jobStatusWord, moment, testCount } from "../parts/words";
import { archivePath, download, search } from "../tabs/artifacts";
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
        <Siblings view={view} job={job} stage={stage} />
      </nav>
      <div className="glp-title">
        <h3 className="glp-jobname">
          <span className={`glp-badge glp-${job.status}`}>
            <StatusIcon status={job.status} />
            {jobStatusWord(job.status)}
          </span>
          {job.name}
        </h3>
        <JobActions key={job.task} view={view} job={job} refresh={refresh} />
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

function Facts({ view, job }: { view: PipelineView; job: JobView }) {
  const [tests, failed] = [testCount(job), failedTests(job)];
  return (
    <dl className="glp-dl">
      {job.started && (
        <Fact name="Duration">{job.duration === null ? <Elapsed since={job.started} /> : duration(job.duration)}</Fact>
      )}
      {job.ended && job.started && (
        <Fact name="Ended">
          <span title={moment(job.ended)}>{ago(job.ended)}</span>
        </Fact>
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
          {job.archive && <Own view={view} job={job} />}
          <Place to="?tab=artifacts">{count(job.artifacts, "archive")}</Place>
        </Fact>
      )}
      {job.downstream && (
        <Fact name="Downstream">
          <Link className="glp-link" to={`/${job.downstream}`}>
            pipeline
          </Link>
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

/** The archive of the job itself. */
function Own({ view, job }: { view: PipelineView; job: JobView }) {
  const place = { task: job.task, kind: "archive" };
  return (
    <>
      <Place to={search({ task: job.task })}>Browse</Place>{" · "}
      <a className="glp-link" href={download(`${archivePath(view, place)}/archive.zip`)} download>
        Download
      </a>
      {" · "}
    </>
  );
}

/** The jobs of the stage, to go from one to another. */
function Siblings({ view, job, stage }: { view: PipelineView; job: JobView; stage: string }) {
  const [, setParams] = useSearchParams();
  const jobs = view.stages.find(({ name }) => name === stage)?.jobs ?? [];
  return (
    <label className="glp-muted">
      {stage}{" "}
      <select aria-label="Jobs of this stage" value={job.task} onChange={(event) => setParams({ job: event.target.value })}>
        {jobs.map((each) => (
          <option key={each.task} value={each.task}>
            {each.name} – {jobStatusWord(each.status).toLowerCase()}
          </option>
        ))}
      </select>
    </label>
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
