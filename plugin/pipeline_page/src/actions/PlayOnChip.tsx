import { createContext, useContext } from "react";

import type { JobView, PipelineView } from "../data/types";
import { jobActions, play } from "./plan";
import { PlayForm } from "./PlayForm";
import { useAction } from "./useAction";
import { useAsking } from "./useAsking";

/** The pipeline whose jobs are drawn, and what looks at it again. */
export const Acting = createContext<{ view: PipelineView; refresh: () => void } | undefined>(undefined);

/** Plays a job from where it is listed, as GitLab does; only jobs that can be played have it. */
export function PlayOnChip({ job }: { job: JobView }) {
  const acting = useContext(Acting);
  const action = useAction(acting?.refresh ?? (() => undefined));
  const able = acting && jobActions(acting.view, job).find((name) => name === "play" || name === "answer");
  const asking = useAsking(acting?.view, job, able === "answer");
  if (!able) return null;
  async function begin(view: PipelineView): Promise<void> {
    if ((await action.take(play(view, job))) !== undefined) asking.soon();
  }
  const label = `Play ${job.name}${job.status === "scheduled" ? " now" : ""}`;
  return (
    <>
      <button
        type="button"
        className="glp-play"
        aria-label={label}
        title={label}
        disabled={action.busy}
        onClick={() => (able === "answer" ? asking.open() : void begin(acting.view))}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
          <path d="M5 3.500 12 8l-7 4.500z" />
        </svg>
      </button>
      {action.problem && !asking.now && (
        <span role="alert" className="glp-problem">
          {action.problem}
        </span>
      )}
      {asking.now && <PlayForm view={acting.view} job={job} action={action} close={asking.close} />}
    </>
  );
}
