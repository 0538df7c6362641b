import type { JobView, PipelineView } from "../src/data/types";

/** A job that has passed, apart from what is given. */
export function job(name: string, given: Partial<JobView> = {}): JobView {
  return {
    name,
    task: name,
    group: name,
    status: "success",
    when: "on_success",
    allowed: false,
    blocking: false,
    bridge: false,
    parallel: false,
    needs: null,
    reason: "",
    why: "",
    failure: "",
    exit_code: null,
    tries: 1,
    started: "",
    ended: "",
    duration: null,
    due: "",
    coverage: null,
    tests: {},
    artifacts: 0,
    environment: "",
    environment_url: "",
    downstream: "",
    ...given,
  };
}

export function view(given: Partial<PipelineView> = {}): PipelineView {
  return {
    dag: "group__project",
    run: "1",
    status: "success",
    id: 7,
    iid: 1,
    name: "",
    project: "group/project",
    project_url: "",
    ref: { name: "main", tag: false, sha: "a".repeat(40), title: "A commit", author: "", committed: "", ref_url: "", commit_url: "" },
    merge_request: null,
    source: "push",
    user: "",
    schedule: "",
    created: "2026-01-01T00:00:00Z",
    started: "2026-01-01T00:00:00Z",
    ended: "2026-01-01T00:01:00Z",
    coverage: null,
    text: "",
    moved_to: "",
    upstream: "",
    problem: "",
    stages: [],
    may: {},
    ...given,
  };
}
