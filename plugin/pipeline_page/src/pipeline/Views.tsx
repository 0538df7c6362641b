export type View = "stages" | "needs";

const LABELS: [View, string][] = [
  ["stages", "Stages"],
  ["needs", "Needs"],
];

/** Chooses how the jobs are arranged. */
export function Views({ view, onChange }: { view: View; onChange: (view: View) => void }) {
  return (
    <span className="glp-views" role="group" aria-label="Arrange jobs by">
      {LABELS.map(([name, label]) => (
        <button key={name} type="button" aria-pressed={view === name} onClick={() => onChange(name)}>
          {label}
        </button>
      ))}
    </span>
  );
}
