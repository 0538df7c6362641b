// What the buttons do: requests to Airflow's own API, so that its permissions and its audit log hold.

import { posted, runPath, send } from "../data/requests";
import type { JobView, PipelineView } from "../data/types";

export interface Call {
  method: "POST" | "PATCH";
  path: string;
  body: Record<string, unknown>;
}

const FINISH = "finish_pipeline";
export const OVER = new Set(["success", "failed", "warning", "canceled"]);
const GOES_ON = new Set(["running", "pending"]);

function jobsOf(view: PipelineView): JobView[] {
  return view.stages.flatMap((stage) => stage.jobs);
}

/** The jobs that were skipped and come after some of these: GitLab decides about them again. */
export function skippedAfter(view: PipelineView, first: JobView[]): JobView[] {
  const again = new Set(first.map((job) => job.name));
  const found: JobView[] = [];
  const earlier: string[] = [];
  let pending = true;
  while (pending) {
    pending = false;
    earlier.length = 0;
    for (const stage of view.stages) {
      for (const job of stage.jobs) {
        if (job.status !== "skipped" || again.has(job.name)) continue;
        const before = job.needs ?? earlier;
        if (!before.some((name) => again.has(name))) continue;
        again.add(job.name);
        found.push(job);
        pending = true;
      }
      earlier.push(...stage.jobs.map((job) => job.name));
    }
  }
  return found;
}

function clear(view: PipelineView, jobs: JobView[], downstream: boolean, finish: boolean): Call {
  return {
    method: "POST",
    path: `api/v2/dags/${encodeURIComponent(view.dag)}/clearTaskInstances`,
    body: {
      dag_run_id: view.run,
      task_ids: [...jobs.map((job) => job.task), ...(finish ? [...view.ends, FINISH] : [])],
      include_downstream: downstream,
      only_failed: false,
      dry_run: false,
      reset_dag_runs: true,
    },
  };
}

/** Runs a job again, and what was skipped because of it; with `downstream`, all later jobs as well. */
export function retry(view: PipelineView, job: JobView, downstream = false): Call {
  return clear(view, [job, ...skippedAfter(view, [job])], downstream, true);
}

/** Runs all jobs again that failed or were canceled. */
export function retryFailed(view: PipelineView): Call {
  const bad = failedJobs(view);
  return clear(view, [...bad, ...skippedAfter(view, bad)], false, true);
}

export function failedJobs(view: PipelineView): JobView[] {
  return jobsOf(view).filter((job) => ["failed", "warning", "canceled"].includes(job.status));
}

/** Starts a manual job that the pipeline did not wait for, or a delayed one at once. */
export function play(view: PipelineView, job: JobView): Call {
  return job.status === "scheduled" ? clear(view, [job], false, false) : retry(view, job);
}

export function questionPath(view: PipelineView, job: JobView): string {
  return `${taskPath(view, job)}/-1/hitlDetails`;
}

export function answer(view: PipelineView, job: JobView, option: string, given: Record<string, unknown>): Call {
  return { method: "PATCH", path: questionPath(view, job), body: { chosen_options: [option], params_input: given } };
}

export function cancelJob(view: PipelineView, job: JobView): Call {
  return { method: "PATCH", path: taskPath(view, job), body: { new_state: job.status === "scheduled" ? "skipped" : "failed" } };
}

export function cancelPipeline(view: PipelineView): Call {
  return { method: "PATCH", path: `api/v2/${runPath(view.dag, view.run, "dagRuns")}`, body: { state: "failed" } };
}

/** Creates a pipeline; its run is named by the number that it will have, unless the server knows none, and says what it is for. */
export async function create(dag: string, conf: Record<string, unknown> | null): Promise<Call> {
  const place = `dags/${encodeURIComponent(dag)}`;
  const { ref, sha } = (conf ?? {}) as { ref?: string; sha?: string };
  const answer = await send(`gitlab-ci/${place}/run-id`, posted({ ref: ref ?? "", sha: sha ?? "" }));
  const { run_id: run, note } = (await answer.json()) as { run_id: string; note: string };
  return {
    method: "POST",
    path: `api/v2/${place}/dagRuns`,
    body: { ...(run ? { dag_run_id: run } : {}), conf: conf ?? {}, logical_date: null, note },
  };
}

function taskPath(view: PipelineView, job: JobView): string {
  return `api/v2/${runPath(view.dag, view.run, "dagRuns")}/taskInstances/${encodeURIComponent(job.task)}`;
}

export type JobAction = "play" | "answer" | "retry" | "downstream" | "cancel";

/** What can be done with a job as it is, and its reader may do. */
export function jobActions(view: PipelineView, job: JobView): JobAction[] {
  const { clear: clears = false, answer: answers = false } = view.may;
  if (job.blocking) return [...(answers ? (["answer"] as const) : []), ...(clears ? (["cancel"] as const) : [])];
  if (!clears) return [];
  if (job.status === "manual") return ["play"];
  if (job.status === "scheduled") return ["play", "cancel"];
  if (GOES_ON.has(job.status)) return ["cancel"];
  return OVER.has(job.status) ? ["retry", "downstream"] : [];
}
