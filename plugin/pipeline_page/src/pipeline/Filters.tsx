import type { ReactNode } from "react";

import type { JobView, StageView } from "../data/types";
import { StatusIcon } from "../parts/StatusIcon";
import { count, jobStatusWord } from "../parts/words";

export interface Filter {
  text: string;
  status: string;
  absent: boolean;
}

export const NO_FILTER: Filter = { text: "", status: "", absent: false };

const ORDER = [
  "failed",
  "warning",
  "running",
  "pending",
  "manual",
  "scheduled",
  "success",
  "canceled",
  "skipped",
  "created",
];

export function matches(job: JobView, filter: Filter): boolean {
  if (job.status === "absent" && !filter.absent) return false;
  if (filter.status && job.status !== filter.status) return false;
  return job.name.toLowerCase().includes(filter.text.trim().toLowerCase());
}

interface FiltersProps {
  stages: StageView[];
  filter: Filter;
  onChange: (filter: Filter) => void;
  children?: ReactNode;
}

/** How many jobs have which status; a click shows only those. */
export function Filters({ stages, filter, onChange, children }: FiltersProps) {
  const jobs = stages.flatMap((stage) => stage.jobs);
  const counts = new Map<string, number>();
  for (const job of jobs) counts.set(job.status, (counts.get(job.status) ?? 0) + 1);
  const absent = counts.get("absent") ?? 0;
  return (
    <div className="glp-filters" role="group" aria-label="Filter jobs">
      {children}
      <input
        type="search"
        placeholder="Filter jobs"
        aria-label="Filter jobs by name"
        value={filter.text}
        onChange={(event) => onChange({ ...filter, text: event.target.value })}
      />
      {ORDER.filter((status) => counts.has(status)).map((status) => (
        <button
          key={status}
          type="button"
          className="glp-count"
          aria-pressed={filter.status === status}
          onClick={() => onChange({ ...filter, status: filter.status === status ? "" : status })}
        >
          <StatusIcon status={status} />
          {counts.get(status)} <span>{jobStatusWord(status).toLowerCase()}</span>
        </button>
      ))}
      {absent > 0 && (
        <label className="glp-check">
          <input
            type="checkbox"
            checked={filter.absent}
            onChange={(event) => onChange({ ...filter, absent: event.target.checked })}
          />
          show {count(absent, "job")} that rules leave out
        </label>
      )}
    </div>
  );
}
