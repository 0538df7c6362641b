import { runPath } from "../data/requests";
import type { JobView, PipelineView } from "../data/types";

/** One try of a job, as Airflow knows it. */
export interface TryView {
  try_number: number;
  state: string | null;
  start_date: string | null;
  duration: number | null;
}

export function triesPath(view: PipelineView, job: JobView): string {
  return `api/v2/${runPath(view.dag, view.run, "dagRuns")}/taskInstances/${encodeURIComponent(job.task)}/tries`;
}

/** GitLab's word for a try: Airflow knows of the newest only that its task has failed, and not how. */
export function tryStatus(job: JobView, number: number, known?: TryView): string {
  if (number === job.tries) return job.status;
  if (known?.state === "success") return "success";
  return known?.state === "skipped" ? "skipped" : "failed";
}

