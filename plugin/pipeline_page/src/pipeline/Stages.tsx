import { memo, startTransition, useEffect, useState } from "react";

import type { PipelineView, StageView } from "../data/types";
import { StatusIcon } from "../parts/StatusIcon";
import { matches, type Filter } from "./Filters";
import { fold, worst, type Fold } from "./fold";
import { FoldChip } from "./FoldChip";
import { JobChip } from "./JobChip";

/** Pixels from one job to the next. */
const ROW = 38;

/** How many jobs of a stage to draw: first a screenful, then all, so that a large pipeline is there at once. */
function useDrawn(): number {
  const [drawn, setDrawn] = useState(() => Math.ceil(window.innerHeight / ROW));
  useEffect(() => {
    const timer = setTimeout(() => startTransition(() => setDrawn(Number.POSITIVE_INFINITY)));
    return () => clearTimeout(timer);
  }, []);
  return drawn;
}

export function Stages({ view, filter }: { view: PipelineView; filter: Filter }) {
  const drawn = useDrawn();
  const filtered = filter.text !== "" || filter.status !== "";
  const shown = view.stages.filter((stage) => stage.jobs.some((job) => matches(job, filter)));
  if (!shown.length) {
    return <p className="glp-nothing">{filtered ? "No job matches this filter." : "The rules leave out all jobs."}</p>;
  }
  return (
    <ol className="glp-stages" aria-label="Stages">
      {shown.map((stage) => (
        <Stage key={stage.name} stage={stage} filter={filter} open={filtered} drawn={drawn} />
      ))}
    </ol>
  );
}

interface StageProps {
  stage: StageView;
  filter: Filter;
  open: boolean;
  drawn: number;
}

const Stage = memo(function Stage({ stage, filter, open, drawn }: StageProps) {
  const jobs = stage.jobs.filter((job) => matches(job, filter));
  const status = worst(jobs.map((job) => job.status));
  return (
    <li className="glp-stage">
      <h3 title={stage.name}>
        <StatusIcon status={status} />
        <span className="glp-name">{stage.name}</span>
        <span className="glp-muted" aria-label={`${jobs.length} jobs`}>
          {jobs.length}
        </span>
      </h3>
      <ul>
        {fold(jobs).slice(0, drawn).map((entry) =>
          "job" in entry ? (
            <li key={entry.job.name}>
              <JobChip job={entry.job} />
            </li>
          ) : (
            <li key={entry.fold.name}>
              <Folded fold={entry.fold} open={open} />
            </li>
          ),
        )}
      </ul>
    </li>
  );
});

/** The instances of a `parallel` job; those that have failed are always in sight. */
function Folded({ fold, open }: { fold: Fold; open: boolean }) {
  const [opened, setOpened] = useState(false);
  const unfolded = opened || open;
  const shown = unfolded ? fold.jobs : fold.jobs.filter((job) => job.status === "failed");
  return (
    <>
      <FoldChip fold={fold} open={unfolded} onToggle={() => setOpened(!opened)} />
      {shown.length > 0 && (
        <ul className="glp-folded">
          {shown.map((job) => (
            <li key={job.name}>
              <JobChip job={job} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
