import { describe, expect, it } from "vitest";

import { reuse } from "../src/data/reuse";
import { ago, clock, duration } from "../src/parts/words";
import { fold, worst } from "../src/pipeline/fold";
import { matches, NO_FILTER } from "../src/pipeline/Filters";
import { causes, sentence } from "../src/pipeline/Notices";
import { facts } from "../src/pipeline/JobChip";
import { job, view } from "./made";

describe("reuse", () => {
  it("keeps what has not changed, so that it is not drawn again", () => {
    const before = { jobs: [{ name: "a", status: "running" }, { name: "b", status: "success" }] };
    const after = reuse(before, { jobs: [{ name: "a", status: "failed" }, { name: "b", status: "success" }] });

    expect(after).not.toBe(before);
    expect(after.jobs[1]).toBe(before.jobs[1]);
    expect(after.jobs[0]).toEqual({ name: "a", status: "failed" });
    expect(reuse(before, structuredClone(before))).toBe(before);
  });

  it("notices what is gone", () => {
    expect(reuse([1, 2], [1])).toEqual([1]);
    expect(reuse<object>({ a: 1, b: 2 }, { a: 1 })).toEqual({ a: 1 });
  });
});

describe("times", () => {
  it.each([
    [4.2, "4 s"],
    [59.7, "1 min 00 s"],
    [61, "1 min 01 s"],
    [3725, "1 h 02 min"],
  ])("%d seconds are %s", (seconds, words) => expect(duration(seconds)).toBe(words));

  it.each([
    [4.2, "4 s"],
    [61, "1:01"],
    [3725, "1:02:05"],
  ])("%d seconds are %s on a chip", (seconds, words) => expect(clock(seconds)).toBe(words));

  it("are told from now", () => {
    const now = Date.parse("2026-01-01T12:00:00Z");
    expect(ago("2026-01-01T10:00:00Z", now)).toBe("2 hours ago");
    expect(ago("nonsense", now)).toBe("");
  });
});

describe("instances of a parallel job", () => {
  it("are one entry where the first is, with the status that matters most", () => {
    const jobs = [
      job("a"),
      job("unit: [1]", { group: "unit", parallel: true }),
      job("b"),
      job("unit: [2]", { group: "unit", parallel: true, status: "failed" }),
    ];
    const entries = fold(jobs).map((entry) => ("job" in entry ? entry.job.name : entry.fold));

    expect(entries).toEqual(["a", expect.objectContaining({ name: "unit", status: "failed" }), "b"]);
  });

  it.each([
    [["success", "running", "failed"], "failed"],
    [["success", "warning"], "warning"],
    [["skipped", "skipped"], "skipped"],
    [[], "created"],
  ])("%j is %s", (statuses, status) => expect(worst(statuses)).toBe(status));
});

describe("the filter", () => {
  it("hides jobs that rules leave out until they are asked for", () => {
    const absent = job("a", { status: "absent" });
    expect(matches(absent, NO_FILTER)).toBe(false);
    expect(matches(absent, { ...NO_FILTER, absent: true })).toBe(true);
  });

  it("looks at names and statuses", () => {
    expect(matches(job("Build"), { ...NO_FILTER, text: " bui" })).toBe(true);
    expect(matches(job("Build"), { ...NO_FILTER, status: "failed" })).toBe(false);
  });
});

describe("one sentence about the pipeline", () => {
  it("names the jobs that a person has to play", () => {
    const stages = [{ name: "deploy", jobs: [job("approve", { status: "manual", blocking: true })] }];
    expect(sentence(view({ status: "blocked", stages }))).toBe("This pipeline waits for a person to play this job:");
    expect(causes(view({ status: "blocked", stages })).map((each) => each.name)).toEqual(["approve"]);
  });

  it.each([
    ["failed", "Failed because of 1 job:", ["unit"]],
    ["warning", "Passed, although 1 job failed that may fail:", ["lint"]],
    ["success", "", []],
  ])("of one that is %s counts the jobs because of which it is", (status, words, names) => {
    const stages = [{ name: "test", jobs: [job("unit", { status: "failed" }), job("lint", { status: "warning" }), job("docs")] }];
    expect(sentence(view({ status, stages }))).toBe(words);
    expect(causes(view({ status, stages })).map((each) => each.name)).toEqual(names);
  });

  it("says why it failed, and nothing of one that passed", () => {
    expect(sentence(view({ status: "failed", text: "Pipeline failed: unit" }))).toBe("Failed: unit");
    expect(sentence(view({ status: "success", text: "passed" }))).toBe("");
  });
});

describe("the facts of a job", () => {
  it("say why it failed, what decided about it and what it waits for", () => {
    const failed = job("unit", {
      status: "failed",
      failure: "script failure",
      exit_code: 2,
      why: "rule 1 matches",
      needs: ["compile"],
      tests: { success: 3, failed: 1 },
    });
    expect(facts(failed)).toEqual([
      "unit: Failed",
      "script failure, exit code 2",
      "Rules: rule 1 matches",
      "Needs: compile",
      "Written in .gitlab-ci.yml:3",
      "4 tests, 1 failed",
    ]);
  });
});
