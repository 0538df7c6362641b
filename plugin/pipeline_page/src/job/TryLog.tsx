import { useSearchParams } from "react-router-dom";

import type { JobView, PipelineView } from "../data/types";
import { StatusIcon } from "../parts/StatusIcon";
import { duration, jobStatusWord, moment } from "../parts/words";
import type { Lines } from "./lines";
import { LogView } from "./LogView";
import { type TryView, tryStatus } from "./tries";
import { useLog } from "./useLog";

interface TryLogProps {
  view: PipelineView;
  job: JobView;
  attempt: number;
  /** With how the try ended above its log. */
  titled?: boolean;
  known?: TryView;
}

/** The log of one try. */
export function TryLog({ view, job, attempt, titled = false, known }: TryLogProps) {
  const [params, setParams] = useSearchParams();
  const status = tryStatus(job, attempt, known);
  const live = attempt === job.tries && (job.status === "running" || job.status === "pending");
  const log = useLog(view.dag, view.run, job.task, attempt, live);
  const reason = lastError(log.lines);
  return (
    <div className="glp-try">
      {titled && (
        <h4 className="glp-line">
          <span className={`glp-badge glp-${status}`}>
            <StatusIcon status={status} />
            Try {attempt}: {jobStatusWord(status).toLowerCase()}
          </span>
          {known?.duration != null && <span title={moment(known.start_date ?? "")}>{duration(known.duration)}</span>}
          {reason && <span className="glp-muted">{reason}</span>}
        </h4>
      )}
      <LogView
        log={log}
        live={live}
        atEnd={status === "failed" || status === "warning"}
        line={Number(params.get("line")) || 0}
        name={`${job.name}${titled ? `, try ${attempt}` : ""}.log`}
        onLine={(line) => setParams({ job: job.task, line: String(line) }, { replace: true })}
      />
    </div>
  );
}

/** The last error that a log tells: why this try has ended. */
export function lastError(lines: Lines): string {
  const last = Math.max(-1, ...lines.bad);
  return last < 0 ? "" : (lines.texts[last] ?? "");
}
