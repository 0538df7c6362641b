import { useMemo, useState } from "react";

import type { PipelineView } from "../data/types";
import { matches, type Filter } from "../pipeline/Filters";
import { FoldChip } from "../pipeline/FoldChip";
import { JobChip } from "../pipeline/JobChip";
import { chain, graph, inWords, jobsOf, type Node } from "./graph";
import { layout } from "./layout";

/** The jobs in columns, each right of those that it waits for; the edges also as words. */
export function Needs({ view, filter }: { view: PipelineView; filter: Filter }) {
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const [pointed, setPointed] = useState("");
  const drawn = useMemo(() => graph(present(view, filter.absent)), [view.stages, filter.absent]);
  const { places, edges, width, height } = useMemo(() => layout(drawn, (node) => opened.has(node.key)), [drawn, opened]);
  const lit = useMemo(() => (pointed && drawn.nodes.has(pointed) ? chain(drawn, pointed) : undefined), [drawn, pointed]);

  function toggle(key: string): void {
    const next = new Set(opened);
    if (!next.delete(key)) next.add(key);
    setOpened(next);
  }

  function quiet(node: Node): boolean {
    if (lit) return !lit.has(node.key);
    return node.entry !== undefined && !jobsOf(node.entry).some((job) => matches(job, filter));
  }

  if (!drawn.nodes.size) return <p className="glp-nothing">The rules leave out all jobs.</p>;
  return (
    <div className="glp-needs">
      <div style={{ width, height, position: "relative" }}>
        <svg className="glp-edges" width={width} height={height} aria-hidden="true" focusable="false">
          {edges.map(({ from, to, path }) => (
            <path key={`${from}>${to}`} d={path} className={lit && (lit.has(from) && lit.has(to) ? "glp-lit" : "glp-quiet")} />
          ))}
          {drawn.gates.map((gate) => (
            <circle key={gate.key} cx={places.get(gate.key)!.x} cy={places.get(gate.key)!.y + 17} r="4" className={quiet(gate) ? "glp-quiet" : ""} />
          ))}
        </svg>
        <ol aria-label="Jobs, each after those that it needs">
          {drawn.columns.flat().map((node) => (
            <li
              key={node.key}
              className={quiet(node) ? "glp-quiet" : undefined}
              style={{ left: places.get(node.key)!.x, top: places.get(node.key)!.y }}
              onMouseEnter={() => setPointed(node.key)}
              onMouseLeave={() => setPointed("")}
              onFocus={() => setPointed(node.key)}
              onBlur={() => setPointed("")}
            >
              <Chips node={node} open={opened.has(node.key)} onToggle={() => toggle(node.key)} />
              <span className="glp-hidden">{inWords(drawn, node)}</span>
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}

function present(view: PipelineView, absent: boolean) {
  if (absent) return view.stages;
  return view.stages.map((stage) => ({ ...stage, jobs: stage.jobs.filter((job) => job.status !== "absent") }));
}

function Chips({ node, open, onToggle }: { node: Node; open: boolean; onToggle: () => void }) {
  const { entry } = node;
  if (!entry) return null;
  if ("job" in entry) return <JobChip job={entry.job} />;
  return (
    <>
      <FoldChip fold={entry.fold} open={open} onToggle={onToggle} />
      {open && (
        <ul className="glp-folded">
          {entry.fold.jobs.map((job) => (
            <li key={job.name}>
              <JobChip job={job} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
