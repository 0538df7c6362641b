import type { JobView, PipelineView } from "../data/types";
import { cancelJob, jobActions, play, retry } from "./plan";
import { PlayForm } from "./PlayForm";
import { useAction } from "./useAction";
import { useAsking } from "./useAsking";

/** The buttons of a job; Airflow decides again whether its reader may use them. */
export function JobActions({ view, job, refresh }: { view: PipelineView; job: JobView; refresh: () => void }) {
  const action = useAction(refresh);
  const asking = useAsking(view, job, jobActions(view, job).includes("answer"));

  async function begin(): Promise<void> {
    if ((await action.take(play(view, job))) !== undefined) asking.soon();
  }

  const buttons = {
    play: { label: job.status === "scheduled" ? "Play now" : "Play", act: () => void begin() },
    answer: { label: "Play", act: asking.open },
    retry: { label: "Retry", act: () => void action.take(retry(view, job)) },
    downstream: { label: "Retry with later jobs", act: () => void action.take(retry(view, job, true)) },
    cancel: { label: job.status === "scheduled" ? "Unschedule" : "Cancel", act: () => void action.take(cancelJob(view, job)) },
  };
  return (
    <div className="glp-actions">
      {jobActions(view, job).map((name) => (
        <button
          key={name}
          type="button"
          className={`glp-button${name === "cancel" ? " glp-danger" : ""}${name === "play" || name === "answer" ? " glp-main" : ""}`}
          disabled={action.busy}
          onClick={buttons[name].act}
        >
          {buttons[name].label}
        </button>
      ))}
      {action.problem && <span role="alert" className="glp-problem">{action.problem}</span>}
      {asking.now && <PlayForm view={view} job={job} action={action} close={asking.close} />}
    </div>
  );
}
