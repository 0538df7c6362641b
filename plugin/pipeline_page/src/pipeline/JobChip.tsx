import { createContext, memo, useContext } from "react";
import { Link } from "react-router-dom";

import { PlayOnChip } from "../actions/PlayOnChip";
import type { JobView } from "../data/types";
import { Countdown, Elapsed } from "../parts/clock";
import { StatusIcon } from "../parts/StatusIcon";
import { hideTip, showTip } from "../parts/tip";
import { clock, count, duration, failedTests, jobStatusWord, placeWord, testCount } from "../parts/words";

/** The page that has the jobs which are drawn, when it is not the page that is open. */
export const PlaceOfJobs = createContext("");

interface JobChipProps {
  job: JobView;
}

/** A job in its stage: what a glance needs; the rest appears on hover and focus. */
export const JobChip = memo(function JobChip({ job }: JobChipProps) {
  const place = useContext(PlaceOfJobs);
  const search = `?job=${encodeURIComponent(job.task)}`;
  const show = (event: { currentTarget: HTMLElement }) => showTip(event.currentTarget, facts(job));
  const chip = (
    <Link
      className={`glp-chip glp-job-${job.status}`}
      to={place ? { pathname: place, search } : { search }}
      onClick={hideTip}
      onMouseEnter={show}
      onMouseLeave={hideTip}
      onFocus={show}
      onBlur={hideTip}
    >
      <StatusIcon status={job.status} />
      <span className="glp-name">{job.name}</span>
      <span className="glp-hidden">, {jobStatusWord(job.status)}</span>
      {job.tries > 1 && (
        <span className="glp-number" title={`${job.tries} tries`}>
          ↻{job.tries}
        </span>
      )}
      {job.bridge && <span className="glp-number">→</span>}
      <span className="glp-time">
        <Time job={job} />
      </span>
    </Link>
  );
  if (!PLAYED.has(job.status)) return chip;
  return (
    <div className="glp-playable">
      {chip}
      <PlayOnChip job={job} />
    </div>
  );
});

/** Statuses of jobs that a person may start. */
const PLAYED = new Set(["manual", "scheduled"]);

function Time({ job }: { job: JobView }) {
  if (job.status === "running" && job.started) return <Elapsed since={job.started} as={clock} />;
  if (job.status === "scheduled" && job.due) return <Countdown to={job.due} as={clock} />;
  return job.duration === null ? null : <>{clock(job.duration)}</>;
}

/** What is worth knowing of a job, a line each. */
export function facts(job: JobView): string[] {
  const exit = job.exit_code ? `, exit code ${job.exit_code}` : "";
  const [tests, failed] = [testCount(job), failedTests(job)];
  return [
    `${job.name}: ${jobStatusWord(job.status)}${job.blocking ? ", the pipeline waits for it" : ""}`,
    job.failure ? `${job.failure}${exit}` : "",
    job.reason && job.reason !== job.failure ? job.reason : "",
    job.why && job.why !== job.reason ? `Rules: ${job.why}` : "",
    job.rule ? `Rule in ${placeWord(job.rule)}` : "",
    job.needs ? `Needs: ${job.needs.join(", ") || "nothing, it starts at once"}` : "",
    job.written.file ? `Written in ${placeWord(job.written)}` : "",
    job.allowed && job.status !== "warning" && job.when !== "manual" ? "Allowed to fail" : "",
    job.tries > 1 ? `Try ${job.tries}` : "",
    job.duration === null ? "" : `Took ${duration(job.duration)}`,
    job.coverage === null ? "" : `Coverage ${job.coverage} %`,
    tests ? `${count(tests, "test")}${failed ? `, ${failed} failed` : ""}` : "",
    job.environment ? `Environment ${job.environment}` : "",
  ].filter(Boolean);
}
