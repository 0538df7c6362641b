import { act } from "react";
import { describe, expect, it, vi } from "vitest";

import { PipelinePage } from "../src/pipeline/PipelinePage";
import { imageType, search, steps, textOf } from "../src/tabs/artifacts";
import { bytes } from "../src/parts/words";
import { job, view } from "./made";
import { answering, mountEach, page, show } from "./mounted";

mountEach();

const RUN = view({ stages: [{ name: "build", jobs: [job("compile", { artifacts: 1, tests: { success: 2, failed: 1 } })] }] });
const FOLDER = { job: "compile", kind: "archive", size: 2000, files: 2, expires: "", more: 0, refusal: "" };

async function open(address: string, answers: Record<string, unknown>) {
  const asked = answering({ ...answers, "/runs/1": RUN });
  await show(<PipelinePage dagId="group__project" runId="1" />, address);
  await act(async () => vi.advanceTimersByTimeAsync(0));
  return asked;
}

function entry(path: string, given = {}) {
  return { path, name: path, size: 5, files: 0, link: false, ...given };
}

it("asks for a part of the pipeline only when it is opened", async () => {
  const asked = await open("/", {});
  expect(asked).toHaveBeenCalledTimes(1);
  const tabs = [...page.place.querySelectorAll(".glp-tab")].map((tab) => tab.textContent);
  expect(tabs).toEqual(["Jobs1", "Tests31 failed", "Artifacts1", "Environments", "Variables"]);
});

describe("artifacts", () => {
  it("lists folders and files, and links to each file's download", async () => {
    const entries = [entry("dist/", { files: 3 }), entry("a b#?.txt"), entry("away", { link: true })];
    await open("/?tab=artifacts&of=compile", { "/artifacts/compile/archive": { ...FOLDER, entries } });
    const links = [...page.place.querySelectorAll<HTMLAnchorElement>("a[download]")].map((link) => new URL(link.href));
    expect(links.map(({ pathname }) => pathname.split("/artifacts/")[1])).toEqual(["compile/archive/archive.zip", "compile/archive/file"]);
    expect(links[1]?.searchParams.get("path")).toBe("a b#?.txt");
  });

  it("offers no download of what is refused, and says why", async () => {
    const refused = { ...FOLDER, refusal: "they have expired", entries: [entry("a.txt")] };
    await open("/?tab=artifacts&of=compile", { "/artifacts/compile/archive": refused });
    expect(page.place.querySelectorAll("a[download]")).toHaveLength(0);
    expect(page.place.textContent).toContain("they have expired");
  });

  it("shows a page that a job has made as its text", async () => {
    const html = "<img src=x onerror=alert(1)>";
    await open("/?tab=artifacts&of=compile&file=index.html", {
      "/artifacts/compile/archive/file": html,
      "/artifacts/compile/archive": { ...FOLDER, entries: [] },
    });
    expect(page.place.querySelector("pre")?.textContent).toBe("<img src=x onerror=alert(1)>");
    expect(page.place.querySelector("img")).toBeNull();
  });

  it("names the folders on the way to a file in the address", () => {
    expect(steps("a/b c/d.txt").map((step) => step.path)).toEqual(["a/", "a/b c/", "a/b c/d.txt/"]);
    expect(search({ task: "t", kind: "archive", folder: "a/" })).toBe("?tab=artifacts&of=t&kind=archive&folder=a%2F");
  });

  it.each([
    [[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], "image/png"],
    [[...new TextEncoder().encode("RIFF0000WEBP")], "image/webp"],
    [[...new TextEncoder().encode("<svg onload='alert(1)'/>")], ""],
  ])("takes only images of pixels for images: %j", (first, type) => {
    expect(imageType(new Uint8Array(first))).toBe(type);
  });

  it("takes a file with a zero byte for no text", () => {
    expect(textOf(new Uint8Array([0x41, 0]))).toBeUndefined();
    expect(textOf(new Uint8Array([0x41]))).toBe("A");
  });
});

describe("tests", () => {
  const failed = { job: "unit", task: "unit", classname: "hats", suite: "", file: "", time: 1, output: "", new: true };
  const TESTS = {
    suites: [{ job: "unit", task: "unit", counts: { failed: 1, success: 2 }, time: 3, problem: "" }],
    cases: [
      { ...failed, name: "bowler", status: "failed", output: "<b>assert</b>" },
      { ...failed, name: "cap", status: "success", new: false },
    ],
    more: 1,
    fixed: ["hats: beret"],
    earlier: { id: 6, path: "plugin/pipelines/d/6" },
  };

  it("shows what failed, the output as text, and what has changed", async () => {
    await open("/?tab=tests", { "/tests": TESTS });
    expect(page.place.querySelector(".glp-notice")?.textContent).toBe("1 of 3 tests failed: 1 newly failed, 1 fixed since pipeline #6.");
    const names = [...page.place.querySelectorAll(".glp-case-name")].map((name) => name.textContent);
    expect(names).toEqual(["hats › bowler"]);
    expect(page.place.querySelector("pre")?.textContent).toBe("<b>assert</b>");
  });

  it("says so when there are none", async () => {
    await open("/?tab=tests", { "/tests": { suites: [], cases: [], more: 0, fixed: [], earlier: null } });
    expect(page.place.textContent).toContain("No job of this pipeline has left a JUnit report");
  });
});

it("shows findings of code quality, with links to nothing but web pages, and what has changed", async () => {
  const minor = { job: "lint", task: "lint", description: "<b>long</b>", check: "length", severity: "minor", path: "a.py", line: 3, url: "", new: false };
  const bad = { ...minor, severity: "blocker", path: "b.py", url: "javascript:alert(1)", new: true };
  const problems = { other: "cannot be read" };
  const found = { reports: 2, counts: { blocker: 1, minor: 1 }, added: 1, findings: [bad, minor], more: 0, gone: [minor], problems, earlier: { id: 6, path: "plugin/pipelines/d/6" } };
  await open("/?tab=quality", { "/quality": found });
  expect(page.place.querySelector(".glp-notice")?.textContent).toBe("2 findings (1 blocker, 1 minor): 1 new, 1 gone since pipeline #6.");
  expect(page.place.querySelector("tbody")?.textContent).toBe("blockernew<b>long</b> lengthb.py:3lintminor<b>long</b> lengtha.py:3lint");
  expect(page.place.textContent).toContain("other: cannot be read");
  expect(page.place.innerHTML).not.toContain('href="javascript:');
});

it("says who deployed last, and links to nothing but web pages", async () => {
  const deployed = { iid: 2, ref: "main", sha: "a".repeat(40), pipeline: 7, job: "deploy", finished: "2026-01-01T00:00:00Z" };
  const deployments = [{ ...deployed, user: "ada", url: "", job_url: "javascript:alert(1)", here: true }];
  const environments = [{ name: "production", tier: "production", state: "available", url: "javascript:alert(1)", stops: "", deployments }];
  await open("/?tab=environments", { "/environments": { environments, releases: [] } });
  expect(page.place.textContent).toContain("by ada by this pipeline");
  expect(page.place.innerHTML).not.toContain('href="javascript:');
});

it("shows where variables come from, and hides what the server hides", async () => {
  const plain = { value: "eu", source: "variables: of the job", job: "a", task: "a", written: { file: "ci.yml", line: 4, own: true }, beaten: false };
  const variables = [{ ...plain, name: "REGION" }, { ...plain, name: "TOKEN", value: null }];
  await open("/?tab=variables", { "/variables": { variables, places: ["the project in GitLab"], more: 0 } });
  const rows = [...page.place.querySelectorAll("tbody tr")].map((row) => row.textContent);
  expect(rows).toEqual(["REGIONeuvariables: of the job ci.yml:4a", "TOKENhiddenvariables: of the job ci.yml:4a"]);
  expect(page.place.textContent).toContain("the project in GitLab");
});

it.each([
  [999, "999 B"],
  [1500, "1.50 kB"],
  [2_000_000_000, "2.00 GB"],
])("writes %i bytes as %s", (number, words) => expect(bytes(number)).toBe(words));
