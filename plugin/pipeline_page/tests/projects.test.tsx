import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { MemoryRouter } from "react-router-dom";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Field } from "../src/actions/fields";
import { Project } from "../src/projects/Project";
import { ProjectsPage } from "../src/projects/ProjectsPage";
import { asked } from "../src/projects/RunForm";
import type { BriefView, ProjectView } from "../src/projects/types";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const EVIL = "<img src=x onerror=alert(1)>";

function project(given: Partial<ProjectView> = {}): ProjectView {
  const none = { ref: "main", sha: "a".repeat(40), schedules: [], diagnostics: [], errors: 0, warnings: 0, pipelines: [], problem: "", may: {} };
  return { dag: "group__shop", path: "group/shop", url: "", runs: true, paused: false, broken: false, ...none, ...given };
}

function brief(given: Partial<BriefView> = {}): BriefView {
  const times = { created: "", started: "", ended: "" };
  return { dag: "group__shop", run: "12-main", status: "success", about: null, user: "", text: "", moved: false, ...times, ...given };
}

describe("a project in the list", () => {
  let root: Root;
  let place: HTMLElement;
  beforeEach(() => {
    place = document.body.appendChild(document.createElement("div"));
    root = createRoot(place);
  });
  afterEach(() => {
    act(() => root.unmount());
    place.remove();
  });
  const show = (shown: ProjectView) =>
    act(() => root.render(<MemoryRouter><Project project={shown} refresh={() => undefined} /></MemoryRouter>));
  const buttons = () => [...place.querySelectorAll("button")].map((button) => button.textContent);

  it("shows what repositories write as text and never as HTML", () => {
    const found = { severity: "error" as const, code: "syntax", message: EVIL, file: EVIL, line: 3, hint: EVIL, url: "javascript:alert(1)" };
    show(project({ path: EVIL, url: "javascript:alert(1)", errors: 1, diagnostics: [found], pipelines: [brief({ text: EVIL })] }));
    expect(place.querySelector("img")).toBeNull();
    expect(place.innerHTML).not.toContain("javascript:");
    expect(place.textContent).toContain(`${EVIL}:3`);
  });

  it("says of a run without a pipeline why, and gives it no number", () => {
    const about = { id: 0, iid: 0, name: "Nightly", project: "group/shop", ref: "main", tag: false, sha: "a".repeat(40), title: "", author: "", source: "push", user: "", merge_request: 0 };
    show(project({ pipelines: [brief({ about, text: "skipped: the rules leave no jobs" })] }));
    expect(place.textContent).toContain("12-main");
    expect(place.textContent).toContain("skipped: the rules leave no jobs");
    expect(place.textContent).not.toContain("#0");
  });

  it("opens errors and says what they mean for the pipeline", () => {
    const found = { severity: "error" as const, code: "syntax", message: "no", file: "f", line: 1, hint: "", url: "" };
    show(project({ runs: false, errors: 21, diagnostics: [found] }));
    expect(place.querySelector("details")?.open).toBe(true);
    expect(place.textContent).toContain("There is no pipeline until this is corrected.");
    expect(place.textContent).toContain("and 20 more");
  });

  it("offers only what its reader may do, and no run without a DAG", () => {
    show(project());
    expect(buttons()).toEqual([]);
    show(project({ may: { run: true, sync: true } }));
    expect(buttons()).toEqual(["Sync now", "Run pipeline"]);
    show(project({ may: { run: true, sync: true }, runs: false }));
    expect(buttons()).toEqual(["Sync now"]);
  });

  it("says what a sync has come to", async () => {
    const answer = vi.fn(async (..._: unknown[]) => new Response(JSON.stringify({ ok: true, text: "Synced at 4be1c0ff." })));
    vi.stubGlobal("fetch", answer);
    show(project({ dag: "a b", may: { sync: true } }));
    await act(async () => place.querySelector("button")?.click());
    expect(String(answer.mock.calls[0]?.[0])).toContain("/gitlab-ci/dags/a%20b/sync");
    expect(place.querySelector("[role=status]")?.textContent).toBe("Synced at 4be1c0ff.");
  });
});

it("keeps the list while another part of it is read", async () => {
  const answers = [new Response(JSON.stringify({ projects: [project()], total: 60, page: 1, size: 25 })), new Promise<Response>(() => undefined)];
  const asked = vi.fn(async (..._: unknown[]) => answers.shift()!);
  vi.stubGlobal("fetch", asked);
  const place = document.body.appendChild(document.createElement("div"));
  const root = createRoot(place);
  await act(async () => root.render(<MemoryRouter><ProjectsPage /></MemoryRouter>));
  await act(async () => [...place.querySelectorAll("button")].at(-1)?.click());
  expect(asked.mock.calls.map(([url]) => String(url).split("?")[1])).toEqual(["search=&errors=false&page=1", "search=&errors=false&page=2"]);
  expect(place.textContent).toContain("group/shop");
  act(() => root.unmount());
  place.remove();
});

describe("the run form", () => {
  const field = (value: unknown, schema: Field["schema"] = {}): Field => ({ value, description: null, schema });
  const params = {
    ref: field("main", { type: "string" }),
    DEEP: field("no", { enum: ["no", "yes"] }),
    EMPTY: field(null, { type: ["string", "null"] }),
    input_count: field(null, { type: ["null", "number"] }),
    variables: field({}),
    merge_request: field({}, { type: ["object", "null"] }),
    jobs: field([], { type: ["array", "null"], items: { type: "string" } }),
  };
  const untouched = { ref: "main", DEEP: '"no"', EMPTY: "", input_count: "", variables: "", merge_request: "{}", jobs: "" };

  function form(given: Record<string, string>): FormData {
    const made = new FormData();
    for (const [name, value] of Object.entries({ ...untouched, ...given })) made.set(name, value);
    return made;
  }

  it("asks for nothing that was left as it is: it would win over the file", () => {
    expect(asked(params, form({}))).toEqual({});
  });

  it("asks for what was changed, with its type", () => {
    const given = { ref: "topic", DEEP: '"yes"', input_count: "4", variables: "A=b=c", jobs: "unit: [1]\n\n lint " };
    expect(asked(params, form(given))).toEqual({
      ref: "topic",
      DEEP: "yes",
      input_count: 4,
      variables: { A: "b=c" },
      jobs: ["unit: [1]", "lint"],
    });
  });

  it("says which field it cannot read", () => {
    expect(() => asked(params, form({ merge_request: "{" }))).toThrow("merge_request must be JSON.");
  });
});
