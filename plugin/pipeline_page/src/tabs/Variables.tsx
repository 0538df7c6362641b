import { useState } from "react";

import { useRead } from "../data/read";
import { runPath } from "../data/requests";
import type { PipelineView, PlaceView } from "../data/types";
import { count } from "../parts/words";
import { Written } from "../parts/Written";
import { Place } from "./Place";
import { Reading, Table } from "./Table";

// What the server sends: `plugins/page/variables.py`.

interface VariableView {
  name: string;
  value: string | null;
  source: string;
  job: string;
  task: string;
  written: PlaceView | null;
  beaten: boolean;
}

export interface VariablesView {
  variables: VariableView[];
  places: string[];
  more: number;
}

/** The variables that the pipeline and its jobs have, the strongest first, and where they come from. */
export function Variables({ view }: { view: PipelineView }) {
  const read = useRead<VariablesView>(`gitlab-ci/${runPath(view.dag, view.run)}/variables`, String(view.id));
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  return (
    <Reading read={read} empty="" what="the variables">
      {({ variables, places, more }) => (
        <>
          <p className="glp-muted">
            {places.length > 0 && <>CI/CD variables come from {places.join(", ")}; they win over those of the file, and their values are shown nowhere. </>}
            Predefined variables are not listed. Values are as written, before <code>$NAME</code> is expanded.
          </p>
          <input type="search" className="glp-find" placeholder="Find a variable" aria-label="Find a variable" value={text} onChange={(event) => setText(event.target.value)} />
          {variables.length ? (
            <Table label="Variables" heads={["Variable", "Value", "From", "Job"]}>
              {variables
                .filter((each) => `${each.name} ${each.job}`.toLowerCase().includes(wanted))
                .map((each, index) => (
                  <tr key={index} className={each.beaten ? "glp-beaten" : undefined}>
                    <td>
                      <code>{each.name}</code>
                    </td>
                    <td className="glp-value">{each.value === null ? <span className="glp-muted">hidden</span> : each.value}</td>
                    <td>
                      {each.source}
                      {each.written && (
                        <>
                          {" "}
                          <Written view={view} place={each.written} />
                        </>
                      )}
                      {each.beaten && <span className="glp-muted"> (a stronger source wins)</span>}
                    </td>
                    <td>{each.job && <Place to={`?job=${encodeURIComponent(each.task)}`}>{each.job}</Place>}</td>
                  </tr>
                ))}
            </Table>
          ) : (
            <p className="glp-nothing">Neither the file nor who started this pipeline has set a variable.</p>
          )}
          {more > 0 && <p className="glp-muted">{count(more, "more variable")} not listed.</p>}
        </>
      )}
    </Reading>
  );
}
