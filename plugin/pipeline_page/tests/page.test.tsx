import { act } from "react";
import { expect, it, vi } from "vitest";

import type { JobView, PipelineView } from "../src/data/types";
import { PipelinePage } from "../src/pipeline/PipelinePage";
import { job, view } from "./made";
import { mountEach, page, show } from "./mounted";

mountEach();

function answer(...answers: { status?: number; view?: PipelineView; version?: string }[]) {
  const asked = vi.fn(async (url: string) => {
    if (url.endsWith("/related")) return new Response(JSON.stringify({ upstream: null, downstream: [] }));
    const next = (answers.length > 1 ? answers.shift() : answers[0])!;
    const headers = { ETag: next.version ?? "1" };
    return new Response(JSON.stringify(next.view ?? {}), { status: next.status ?? 200, headers });
  });
  vi.stubGlobal("fetch", asked);
  return asked;
}

async function open(address = "/"): Promise<void> {
  await show(<PipelinePage dagId="group__project" runId="a b/c" />, address);
}

it("shows what pipelines write as text and never as HTML", async () => {
  const evil = "<img src=x onerror=alert(1)>";
  const stages = [{ name: evil, jobs: [job(evil, { downstream: "javascript:alert(1)" })] }];
  const ref = { ...view().ref, title: evil, commit_url: "javascript:alert(1)" };
  answer({ view: view({ name: evil, status: "failed", text: evil, stages, ref }) });
  await open();

  expect(page.place.querySelector("img")).toBeNull();
  expect(page.place.innerHTML).not.toContain("javascript:");
  expect(page.place.querySelector("h2")?.textContent).toBe(evil);
});

it("asks once for the whole page and again while the run goes on", async () => {
  const running = view({ status: "running", ended: "", stages: [{ name: "test", jobs: [job("a", { status: "running" })] }] });
  const asked = answer({ view: running, version: "1" }, { view: view(), version: "2" });
  await open();
  expect(asked.mock.calls.map(([url]: unknown[]) => String(url))).toEqual([
    expect.stringContaining("/gitlab-ci/dags/group__project/runs/a%20b%2Fc"),
  ]);

  await act(async () => vi.advanceTimersByTimeAsync(2000));
  expect(asked).toHaveBeenCalledTimes(2);
  expect(page.place.querySelector("[data-testid=pipeline-status]")?.textContent).toBe("Passed");
});

it("keeps what it shows when Airflow does not answer, and says so", async () => {
  answer({ view: view({ status: "running" }) }, { status: 502 });
  await open();
  await act(async () => vi.advanceTimersByTimeAsync(2000));

  expect(page.place.querySelector("h2")?.textContent).toBe("A commit");
  expect(page.place.textContent).toContain("may be out of date");
});

it("does not ask again when it may not see the run", async () => {
  const asked = answer({ status: 403 });
  await open();
  await act(async () => vi.advanceTimersByTimeAsync(120_000));

  expect(page.place.querySelector("[role=alert]")?.textContent).toContain("You may not see");
  expect(asked).toHaveBeenCalledTimes(1);
});

it("plays a manual job from its chip, if its reader may", async () => {
  const stages = [{ name: "deploy", jobs: [job("later", { status: "manual" }), job("done")] }];
  answer({ view: view({ stages }) });
  await open();
  expect(page.place.querySelector(".glp-play")).toBeNull();

  const asked = answer({ view: view({ stages, may: { clear: true } }) });
  await open("/?");
  const buttons = page.place.querySelectorAll<HTMLButtonElement>(".glp-play");
  expect([...buttons].map((button) => button.ariaLabel)).toEqual(["Play later"]);
  await act(async () => buttons[0]?.click());
  expect(asked.mock.calls.map(([url]) => new URL(url).pathname)).toContain("/api/v2/dags/group__project/clearTaskInstances");
});

it("opens the form of a manual job that asks once it has been played", async () => {
  Object.assign(HTMLDialogElement.prototype, { showModal: vi.fn() }); // jsdom has none
  const seen = (given: Partial<JobView>) =>
    view({ status: "running", ended: "", stages: [{ name: "deploy", jobs: [job("later", given)] }], may: { clear: true, answer: true } });
  answer({ view: seen({ status: "manual" }) });
  await open();
  await act(async () => page.place.querySelector<HTMLButtonElement>(".glp-play")?.click());
  expect(page.place.querySelector("dialog")).toBeNull();

  answer({ view: seen({ status: "created" }), version: "2" }, { view: seen({ status: "manual", blocking: true }), version: "3" });
  await act(async () => vi.advanceTimersByTimeAsync(2000));
  expect(page.place.querySelector(".glp-play")).toBeNull();
  await act(async () => vi.advanceTimersByTimeAsync(10_000));
  expect(page.place.querySelector("dialog")?.textContent).toContain("Play later");
});

it("keeps instances of a parallel job in sight that have failed, while the others are folded", async () => {
  const instance = (name: string, status: string) => job(name, { status, parallel: true, group: "unit" });
  answer({ view: view({ stages: [{ name: "test", jobs: [instance("unit: [1]", "success"), instance("unit: [2]", "failed")] }] }) });
  await open();
  expect([...page.place.querySelectorAll("a.glp-chip .glp-name")].map((name) => name.textContent)).toEqual(["unit: [2]"]);
});
