import type { JobView } from "../data/types";

export interface Fold {
  name: string;
  status: string;
  jobs: JobView[];
}

export type Entry = { job: JobView } | { fold: Fold };

/** Puts the instances of a `parallel` job together, where the first of them is. */
export function fold(jobs: JobView[]): Entry[] {
  const folds = new Map<string, Fold>();
  const entries: Entry[] = [];
  for (const job of jobs) {
    if (!job.parallel) {
      entries.push({ job });
      continue;
    }
    const known = folds.get(job.group);
    if (known) {
      known.jobs.push(job);
      continue;
    }
    const made: Fold = { name: job.group, status: "", jobs: [job] };
    folds.set(job.group, made);
    entries.push({ fold: made });
  }
  for (const made of folds.values()) made.status = worst(made.jobs.map((job) => job.status));
  return entries;
}

const FIRST = ["failed", "running", "pending", "manual", "scheduled", "canceled", "warning", "created", "success"];

/** The status that a reader must know of several jobs. */
export function worst(statuses: string[]): string {
  return FIRST.find((status) => statuses.includes(status)) ?? statuses[0] ?? "created";
}
