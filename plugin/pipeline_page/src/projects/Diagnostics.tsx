import { Outside } from "../parts/Outside";
import type { ProjectView } from "./types";

/** What the last sync has found, by file and line; errors are open. */
export function Diagnostics({ project }: { project: ProjectView }) {
  const { diagnostics, errors, warnings } = project;
  if (!diagnostics.length) return null;
  const left = errors + warnings - diagnostics.length;
  return (
    <details className="glp-found" open={errors > 0}>
      <summary>What the last sync found</summary>
      {errors > 0 && (
        <p className="glp-muted">
          {project.runs ? "The pipeline stays that of the last commit without errors." : "There is no pipeline until this is corrected."}
        </p>
      )}
      <ul>
        {diagnostics.map((found, index) => (
          <li key={index} className={`glp-${found.severity === "error" ? "failed" : "warning"}`}>
            <span className="glp-lint">{found.severity}</span>{" "}
            <Outside href={found.url}>
              <code>
                {found.file}
                {found.line ? `:${found.line}` : ""}
              </code>
            </Outside>{" "}
            {found.message} <code className="glp-muted">{found.code}</code>
            {found.hint && <div className="glp-muted">{found.hint}</div>}
          </li>
        ))}
        {left > 0 && <li>and {left} more</li>}
      </ul>
    </details>
  );
}
