import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { MemoryRouter } from "react-router-dom";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { JobView } from "../src/data/types";
import { JobPage, why } from "../src/job/JobPage";
import { job, view } from "./made";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let root: Root;
let place: HTMLElement;

beforeEach(() => {
  vi.useFakeTimers();
  place = document.body.appendChild(document.createElement("div"));
  root = createRoot(place);
});

afterEach(() => {
  act(() => root.unmount());
  place.remove();
  vi.useRealTimers();
});

async function open(shown: JobView, given = {}): Promise<void> {
  await act(async () => {
    root.render(
      <MemoryRouter>
        <JobPage view={view({ ...given, stages: [{ name: "test", jobs: [shown] }] })} job={shown} stage="test" refresh={() => {}} />
      </MemoryRouter>,
    );
    await vi.advanceTimersByTimeAsync(0);
  });
}

describe("why a job is as it is", () => {
  it.each([
    [{ failure: "script failure", exit_code: 2, reason: "script failure: exit code 2" }, "Script failure, exit code 2"],
    [{ failure: "script failure", exit_code: 9, reason: "exit code 9" }, "Script failure, exit code 9"],
    [{ failure: "runner system failure", reason: "the pod was evicted" }, "Runner system failure: the pod was evicted"],
    [{ status: "skipped", reason: "'build' failed" }, "'build' failed"],
    [{ status: "success", reason: "no rules" }, ""],
  ])("%j", (given, words) => expect(why(job("a", given))).toBe(words));
});

it("links to the line of the commit's file, and only on the project's server", async () => {
  vi.stubGlobal("fetch", vi.fn(async () => new Response("")));
  await open(job("a", { file: "ci/a b.yml" }), { project_url: "https://gitlab.example.com/p" });
  const link = place.querySelector<HTMLAnchorElement>("a[href*='/-/blob/']");
  expect(link?.href).toBe(`https://gitlab.example.com/p/-/blob/${"a".repeat(40)}/ci/a%20b.yml#L3`);

  await open(job("a", { own_file: false }), { project_url: "https://gitlab.example.com/p" });
  expect(place.querySelector("a[href*='/-/blob/']")).toBeNull();
});

it("follows the log of a job that runs, and reads only what is new", async () => {
  const answers = [
    { content: [{ event: "one" }], continuation_token: "next" },
    { content: [{ event: "two" }], continuation_token: null },
  ];
  const asked = vi.fn(async () => new Response(JSON.stringify(answers.shift())));
  vi.stubGlobal("fetch", asked);
  await open(job("a", { status: "running" }));
  await act(async () => vi.advanceTimersByTimeAsync(1500));

  const urls = asked.mock.calls.map(([url]: unknown[]) => new URL(String(url)).search);
  expect(urls).toEqual(["", "?token=next"]);
  expect([...place.querySelectorAll(".glp-text")].map((row) => row.textContent)).toEqual(["one", "two"]);
});

it("says so when a job has no log yet", async () => {
  const asked = vi.fn();
  vi.stubGlobal("fetch", asked);
  await open(job("a", { status: "manual", tries: 0 }));
  expect(place.textContent).toContain("has not been started");
  expect(asked).not.toHaveBeenCalled();
});
