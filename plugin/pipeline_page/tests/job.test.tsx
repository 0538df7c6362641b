import { act } from "react";
import { describe, expect, it, vi } from "vitest";

import type { JobView } from "../src/data/types";
import { JobPage } from "../src/job/JobPage";
import { why } from "../src/parts/why";
import { job, view } from "./made";
import { answering, mountEach, page, show } from "./mounted";

mountEach();

async function open(shown: JobView, given = {}): Promise<void> {
  await show(<JobPage view={view({ ...given, stages: [{ name: "test", jobs: [shown] }] })} job={shown} stage="test" refresh={() => {}} />);
}

describe("why a job is as it is", () => {
  it.each([
    [{ failure: "script failure", exit_code: 2, reason: "script failure: exit code 2" }, "Script failure, exit code 2"],
    [{ failure: "script failure", exit_code: 9, reason: "exit code 9" }, "Script failure, exit code 9"],
    [{ failure: "runner system failure", reason: "the pod was evicted" }, "Runner system failure: the pod was evicted"],
    [{ failure: "script failure", exit_code: 1, tests: { success: 1, failed: 1, error: 1 } }, "Script failure, exit code 1; 2 of 3 tests failed"],
    [{ status: "skipped", reason: "'build' failed" }, "'build' failed"],
    [{ status: "success", reason: "no rules" }, ""],
  ])("%j", (given, words) => expect(why(job("a", given))).toBe(words));
});

it("links to the line of the commit's file, and only on the project's server", async () => {
  vi.stubGlobal("fetch", vi.fn(async () => new Response("")));
  await open(job("a", { written: { file: "ci/a b.yml", line: 3, own: true } }), { project_url: "https://gitlab.example.com/p" });
  const link = page.place.querySelector<HTMLAnchorElement>("a[href*='/-/blob/']");
  expect(link?.href).toBe(`https://gitlab.example.com/p/-/blob/${"a".repeat(40)}/ci/a%20b.yml#L3`);

  await open(job("a", { written: { file: "x.yml", line: 3, own: false } }), { project_url: "https://gitlab.example.com/p" });
  expect(page.place.querySelector("a[href*='/-/blob/']")).toBeNull();
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
  expect([...page.place.querySelectorAll(".glp-text")].map((row) => row.textContent)).toEqual(["one", "two"]);
});

it("says so when a job has no log yet", async () => {
  const asked = vi.fn();
  vi.stubGlobal("fetch", asked);
  await open(job("a", { status: "manual", tries: 0 }));
  expect(page.place.textContent).toContain("has not been started");
  expect(asked).not.toHaveBeenCalled();
});

it("shows two tries of a job side by side, with how each ended", async () => {
  answering({
    "/tries": { task_instances: [{ try_number: 1, state: "failed", start_date: null, duration: 63 }] },
    "/logs/1": { content: [] },
    "/logs/2": { content: [] },
  });
  await open(job("a", { tries: 2 }));
  expect(page.place.querySelectorAll(".glp-log")).toHaveLength(1);
  await act(async () => {
    page.place.querySelector<HTMLInputElement>(".glp-tries input")?.click();
    await vi.advanceTimersByTimeAsync(0);
  });

  const titles = [...page.place.querySelectorAll(".glp-try h4")].map((title) => title.textContent);
  expect(titles).toEqual(["Try 1: failed1 min 03 s", "Try 2: passed"]);
});

it("does not ask for tries of a job that has one", async () => {
  const asked = answering({ "/logs/1": { content: [] } });
  await open(job("a"));
  expect(asked.mock.calls.map(([url]) => url).filter((url) => url.includes("/tries"))).toEqual([]);
});
