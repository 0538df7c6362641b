import { useEffect, useState } from "react";

import type { JobView, PipelineView } from "../data/types";

export interface Asking {
  now: boolean;
  /** Once the job asks: one that the pipeline did not wait for does so when it has been played. */
  soon: () => void;
  open: () => void;
  close: () => void;
}

/** Jobs that were played here and may ask; in the meantime they are drawn without a button. */
const played = new Set<string>();

/** Whether the form of a manual job is open. */
export function useAsking(view: PipelineView | undefined, job: JobView, asks: boolean): Asking {
  const [now, setNow] = useState(false);
  const key = `${view?.dag} ${view?.run} ${job.task}`;
  useEffect(() => {
    if (asks && played.delete(key)) setNow(true);
  }, [asks, key]);
  return { now, soon: () => void played.add(key), open: () => setNow(true), close: () => setNow(false) };
}
