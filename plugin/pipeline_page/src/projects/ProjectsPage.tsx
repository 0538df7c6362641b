import { useRef, useState } from "react";

import { usePolled } from "../data/polled";
import { isActive } from "../data/types";
import { count } from "../parts/words";
import { Project } from "./Project";
import type { ProjectsView } from "./types";

/** How long to wait before looking again: little changes by itself while no pipeline is under way. */
function pause({ projects }: ProjectsView): number {
  return projects.some((project) => project.pipelines.some(isActive)) ? 5000 : 15_000;
}

/** The projects that the reader may see, with their last pipelines. */
export function ProjectsPage() {
  const [search, setSearch] = useState("");
  const [page, setPage] = useState(1);
  const [errors, setErrors] = useState(false);
  const asked = new URLSearchParams({ search, errors: String(errors), page: String(page) });
  const { value: newest, problem, refresh } = usePolled<ProjectsView>(`gitlab-ci/projects?${asked}`, pause);
  const before = useRef<ProjectsView>(undefined);
  if (newest) before.current = newest;
  const value = newest ?? before.current; // while another part of the list is read
  const last = value ? Math.max(1, Math.ceil(value.total / value.size)) : 1;
  return (
    <div className="glp-page glp-projects" aria-busy={!value && !problem}>
      <div className="glp-title">
        <h2>Pipelines of projects</h2>
        <div className="glp-actions">
          <label className="glp-check">
            <input
              type="checkbox"
              checked={errors}
              onChange={(event) => {
                setErrors(event.target.checked);
                setPage(1);
              }}
            />
            only with errors
          </label>
          <input
            type="search"
            className="glp-search"
            placeholder="Find a project"
            aria-label="Find a project"
            value={search}
            onChange={(event) => {
              setSearch(event.target.value);
              setPage(1);
            }}
          />
        </div>
      </div>
      {problem && (
        <p role="alert" className="glp-notice glp-failed">
          {problem.message}
        </p>
      )}
      {value && !value.total && (errors ? <p className="glp-nothing">No such project has errors.</p> : <Nothing search={search} />)}
      <ul className="glp-list">
        {value?.projects.map((project) => (
          <Project key={project.dag} project={project} refresh={refresh} />
        ))}
      </ul>
      {value && value.total > value.size && (
        <nav className="glp-actions" aria-label="Pages">
          <button type="button" className="glp-button" disabled={page <= 1} onClick={() => setPage(page - 1)}>
            Previous
          </button>
          <span>
            Page {value.page} of {last}, {count(value.total, "project")}
          </span>
          <button type="button" className="glp-button" disabled={page >= last} onClick={() => setPage(page + 1)}>
            Next
          </button>
        </nav>
      )}
    </div>
  );
}

function Nothing({ search }: { search: string }) {
  return (
    <p className="glp-nothing">
      {search
        ? "No project that you may see has this in its path."
        : "There are no projects that you may see. `gitlab-dags sync URL` or a GitLabDagBundle adds some."}
    </p>
  );
}
