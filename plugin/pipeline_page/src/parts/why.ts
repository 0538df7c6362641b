import type { JobView } from "../data/types";
import { count, failedTests, testCount } from "./words";

/** Why a job is as it is, in one sentence. */
export function why(job: JobView): string {
  if (job.failure) return capital(`${failure(job)}${tests(job)}`);
  if (job.blocking) return "The pipeline waits for a person to play this job.";
  return job.status === "success" ? "" : capital(job.reason);
}

function failure(job: JobView): string {
  const exit = job.exit_code ? `, exit code ${job.exit_code}` : "";
  const said = job.reason.startsWith(job.failure) || job.reason === `exit code ${job.exit_code}`;
  return `${job.failure}${exit}${job.reason && !said ? `: ${job.reason}` : ""}`;
}

function tests(job: JobView): string {
  const failed = failedTests(job);
  return failed ? `; ${failed} of ${count(testCount(job), "test")} failed` : "";
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
