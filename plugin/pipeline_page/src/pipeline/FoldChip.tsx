import { StatusIcon } from "../parts/StatusIcon";
import { jobStatusWord } from "../parts/words";
import type { Fold } from "./fold";

/** The instances of a `parallel` job as one entry that unfolds, like GitLab's. */
export function FoldChip({ fold, open, onToggle }: { fold: Fold; open: boolean; onToggle: () => void }) {
  return (
    <button type="button" className="glp-chip" aria-expanded={open} onClick={onToggle}>
      <StatusIcon status={fold.status} />
      <span className="glp-name">{fold.name}</span>
      <span className="glp-hidden">{jobStatusWord(fold.status)}</span>
      <span className="glp-number">{fold.jobs.length}</span>
      <span className="glp-caret" aria-hidden="true" />
    </button>
  );
}
