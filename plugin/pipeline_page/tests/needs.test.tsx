import { act } from "react";
import { createRoot } from "react-dom/client";
import { MemoryRouter } from "react-router-dom";
import { describe, expect, it } from "vitest";

import type { StageView } from "../src/data/types";
import { chain, graph, inWords, type Graph } from "../src/needs/graph";
import { layout } from "../src/needs/layout";
import { Needs } from "../src/needs/Needs";
import { NO_FILTER } from "../src/pipeline/Filters";
import { job, view } from "./made";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const STAGES: StageView[] = [
  { name: "build", jobs: [job("compile"), job("styles")] },
  {
    name: "test",
    jobs: [
      job("lint", { needs: [] }),
      job("unit: [1]", { group: "unit", parallel: true, needs: ["compile"] }),
      job("unit: [2]", { group: "unit", parallel: true, needs: ["compile"], status: "failed" }),
    ],
  },
  { name: "deploy", jobs: [job("staging"), job("report", { needs: ["unit: [1]", "gone"] })] },
];

function columns(drawn: Graph): string[][] {
  return drawn.columns.map((column) => column.map((node) => node.key));
}

describe("the needs view", () => {
  const drawn = graph(STAGES);

  it("puts each job right of all that it waits for, whatever its stage", () => {
    expect(columns(drawn)).toEqual([
      ["compile", "styles", "lint"],
      ["unit"],
      ["staging", "report"],
    ]);
  });

  it("folds the instances of a parallel job into one node", () => {
    expect(drawn.nodes.get("unit")?.entry).toEqual({ fold: expect.objectContaining({ name: "unit", status: "failed" }) });
    expect(drawn.nodes.get("report")?.before).toEqual(["unit"]);
  });

  it("lets a job without needs wait at a gate for all earlier stages", () => {
    const [gate] = drawn.gates;
    expect(drawn.nodes.get("staging")?.before).toEqual([gate?.key]);
    // No job of the stage test waits for all of build, so the gate does.
    expect([...chain(drawn, "staging")].sort()).toEqual(expect.arrayContaining(["compile", "lint", "staging", "styles", "unit"]));
  });

  it("has as many edges as jobs, not as pairs of jobs, between stages without needs", () => {
    const many = (stage: string) => ({ name: stage, jobs: Array.from({ length: 100 }, (_, index) => job(`${stage}${index}`)) });
    expect(layout(graph([many("a"), many("b"), many("c")]), () => false).edges).toHaveLength(400);
  });

  it("knows what a job waits for and what waits for it", () => {
    expect([...chain(drawn, "unit")].filter((key) => drawn.nodes.get(key)?.entry).sort()).toEqual(["compile", "report", "staging", "unit"]);
  });

  it("says the same in words", () => {
    const words = (key: string) => inWords(drawn, drawn.nodes.get(key)!);
    expect(words("report")).toBe("needs unit");
    expect(words("lint")).toBe("needs nothing, it starts at once");
    expect(words("staging")).toBe("needs all jobs of the earlier stages");
  });

  it("makes room for the instances that it unfolds", () => {
    expect(layout(drawn, (node) => node.key === "unit").places.get("unit")?.y).toBe(0);
    expect(layout(drawn, (node) => node.key === "compile").height).toBeGreaterThan(layout(drawn, () => false).height);
  });
});

it("lights up the chain of the job that is pointed at or has the focus", () => {
  const place = document.body.appendChild(document.createElement("div"));
  const root = createRoot(place);
  act(() => root.render(<MemoryRouter><Needs view={view({ stages: STAGES })} filter={NO_FILTER} /></MemoryRouter>));
  const quiet = () => [...place.querySelectorAll("li.glp-quiet .glp-name")].map((element) => element.textContent);
  expect(quiet()).toEqual([]);

  const compile = [...place.querySelectorAll<HTMLElement>("a")].find((link) => link.textContent?.startsWith("compile"))!;
  act(() => compile.focus());
  expect(quiet()).toEqual(["styles", "lint"]);
  act(() => compile.blur());
  expect(quiet()).toEqual([]);
  act(() => root.unmount());
  place.remove();
});
