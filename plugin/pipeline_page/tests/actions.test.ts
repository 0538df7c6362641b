import { afterEach, describe, expect, it, vi } from "vitest";

import { answer, cancelJob, cancelPipeline, create, jobActions, play, retry, retryFailed } from "../src/actions/plan";
import { values, variables } from "../src/actions/fields";
import { job, view } from "./made";

const build = job("build", { status: "failed" });
const test = job("test", { status: "skipped", needs: ["build"] });
const apart = job("apart", { status: "skipped", needs: ["other"] });
const deploy = job("deploy", { status: "skipped" });
const shown = view({
  may: { clear: true, answer: true, cancel: true, run: true },
  stages: [
    { name: "build", jobs: [build, job("other")] },
    { name: "test", jobs: [test, apart] },
    { name: "deploy", jobs: [deploy] },
  ],
});

describe("retry", () => {
  it("runs the job, what was skipped because of it, and the pipeline's end again", () => {
    expect(retry(shown, build)).toEqual({
      method: "POST",
      path: "api/v2/dags/group__project/clearTaskInstances",
      body: expect.objectContaining({
        dag_run_id: "1",
        task_ids: ["build", "test", "deploy", "finish_pipeline"],
        include_downstream: false,
        dry_run: false,
        only_failed: false,
      }),
    });
  });

  it("can run all later jobs again", () => {
    expect(retry(shown, build, true).body.include_downstream).toBe(true);
  });

  it("has later jobs of a large pipeline wait for the ends of stages again", () => {
    const large = { ...shown, ends: ["end-of-build", "end-of-test"] };

    expect(retry(large, build).body.task_ids).toEqual(["build", "test", "deploy", "end-of-build", "end-of-test", "finish_pipeline"]);
  });

  it("of a pipeline takes all jobs that failed", () => {
    expect(retryFailed(shown).body.task_ids).toEqual(["build", "test", "deploy", "finish_pipeline"]);
  });
});

describe("play", () => {
  it("of a delayed job clears nothing else", () => {
    expect(play(shown, job("later", { status: "scheduled" })).body.task_ids).toEqual(["later"]);
  });

  it("of a job that asks answers its question", () => {
    expect(answer(shown, job("a/b"), "Play", { target: "x" })).toEqual({
      method: "PATCH",
      path: "api/v2/dags/group__project/dagRuns/1/taskInstances/a%2Fb/-1/hitlDetails",
      body: { chosen_options: ["Play"], params_input: { target: "x" } },
    });
  });
});

describe("cancel", () => {
  it("marks the task, or the run", () => {
    expect(cancelJob(shown, job("a")).body).toEqual({ new_state: "failed" });
    expect(cancelJob(shown, job("a", { status: "scheduled" })).body).toEqual({ new_state: "skipped" });
    expect(cancelPipeline(shown)).toEqual({
      method: "PATCH",
      path: "api/v2/dags/group__project/dagRuns/1",
      body: { state: "failed" },
    });
  });
});

describe("buttons", () => {
  it.each([
    ["running", ["cancel"]],
    ["failed", ["retry", "downstream"]],
    ["manual", ["play"]],
    ["scheduled", ["play", "cancel"]],
    ["skipped", []],
    ["absent", []],
  ])("of a job that is %s", (status, buttons) => expect(jobActions(shown, job("a", { status }))).toEqual(buttons));

  it("are not offered to those who may not", () => {
    expect(jobActions({ ...shown, may: {} }, build)).toEqual([]);
    expect(jobActions({ ...shown, may: {} }, job("a", { status: "manual", blocking: true }))).toEqual([]);
  });
});

describe("the form of a manual job", () => {
  it("gives each field the type that it had", () => {
    const field = (value: unknown, more = {}) => ({ value, description: null, schema: more });
    const question = {
      body: null,
      options: ["Play"],
      params: { name: field("x"), count: field(1), yes: field(false), pick: field("a", { enum: ["a", "b"] }), variables: field({}) },
    };
    const form = new FormData();
    form.set("name", "1");
    form.set("count", " 4 ");
    form.set("yes", "on");
    form.set("pick", '"b"');
    form.set("variables", "A=b=c\n\nB=");
    expect(values(question, form)).toEqual({ name: "1", count: 4, yes: true, pick: "b", variables: { A: "b=c", B: "" } });
    form.set("count", "many");
    expect(() => values(question, form)).toThrow("count must be a number.");
  });

  it("says which line is no variable", () => {
    expect(() => variables("A=1\nnonsense")).toThrow("'nonsense' is not NAME=value");
  });
});

describe("a new pipeline", () => {
  afterEach(() => vi.unstubAllGlobals());

  function serverNames(run: string) {
    const asked = vi.fn(async () => Response.json({ run_id: run, note: "Pipeline for main" }));
    vi.stubGlobal("fetch", asked);
    return asked;
  }

  it("has a run that is named by its number and says what it is for", async () => {
    const asked = serverNames("12-main-ef0a4fdb");
    const call = await create("group__project", { ref: "main", sha: "ef0a4fdb" });
    expect(asked.mock.calls[0]).toMatchObject([
      expect.stringMatching(/gitlab-ci\/dags\/group__project\/run-id$/),
      { method: "POST", body: '{"ref":"main","sha":"ef0a4fdb"}' },
    ]);
    expect(call.body).toEqual({ dag_run_id: "12-main-ef0a4fdb", conf: { ref: "main", sha: "ef0a4fdb" }, logical_date: null, note: "Pipeline for main" });
  });

  it("is named by Airflow when the server knows no number", async () => {
    serverNames("");
    expect((await create("group__project", null)).body).toEqual({ conf: {}, logical_date: null, note: "Pipeline for main" });
  });
});
