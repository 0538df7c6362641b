import { useRead } from "../data/read";
import type { JobView, PipelineView } from "../data/types";
import { StatusIcon } from "../parts/StatusIcon";
import { duration, jobStatusWord } from "../parts/words";
import { triesPath, tryStatus, type TryView } from "./tries";

const MOST = 50;

interface TriesProps {
  job: JobView;
  known: TryView[];
  chosen: number[];
  onChoose: (numbers: number[]) => void;
}

/** How each try ended, to choose one, or two side by side. */
export function Tries({ job, known, chosen, onChoose }: TriesProps) {
  const numbers = Array.from({ length: Math.min(job.tries, MOST) }, (_, index) => index + 1 + Math.max(0, job.tries - MOST));
  const [main = job.tries, other] = chosen;
  return (
    <div className="glp-tries" role="group" aria-label="Tries">
      {numbers.map((number) => {
        const about = known.find((each) => each.try_number === number);
        const status = tryStatus(job, number, about);
        return (
          <button key={number} type="button" className="glp-count" aria-pressed={chosen.includes(number)} onClick={() => onChoose([number])}>
            <StatusIcon status={status} />
            Try {number} <span className="glp-hidden">{jobStatusWord(status)}</span>
            {about?.duration != null && <span>{duration(about.duration)}</span>}
          </button>
        );
      })}
      <label className="glp-check">
        <input
          type="checkbox"
          checked={other !== undefined}
          onChange={(event) => onChoose(event.target.checked ? [main, main > 1 ? main - 1 : main + 1].sort((a, b) => a - b) : [main])}
        />
        side by side
      </label>
    </div>
  );
}

/** What Airflow knows of the tries of a job; it is asked only for jobs that have several. */
export function useTries(view: PipelineView, job: JobView): TryView[] {
  const read = useRead<{ task_instances: TryView[] }>(job.tries > 1 ? triesPath(view, job) : "", `${job.tries} ${job.status}`);
  return read.value?.task_instances ?? [];
}
