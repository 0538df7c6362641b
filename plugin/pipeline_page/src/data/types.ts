// What the server sends: the fields of `plugins/page/view.py`.

export interface PlaceView {
  file: string;
  line: number;
  own: boolean;
}

export interface JobView {
  name: string;
  task: string;
  group: string;
  status: string;
  when: string;
  allowed: boolean;
  blocking: boolean;
  bridge: boolean;
  parallel: boolean;
  needs: string[] | null;
  reason: string;
  why: string;
  failure: string;
  exit_code: number | null;
  tries: number;
  started: string;
  ended: string;
  duration: number | null;
  due: string;
  coverage: number | null;
  tests: Record<string, number>;
  findings: number | null;
  artifacts: number;
  archive: boolean;
  environment: string;
  environment_url: string;
  downstream: string;
  written: PlaceView;
  rule: PlaceView | null;
}

export interface StageView {
  name: string;
  jobs: JobView[];
}

export interface RefView {
  name: string;
  tag: boolean;
  sha: string;
  title: string;
  author: string;
  committed: string;
  ref_url: string;
  commit_url: string;
}

export interface MergeRequestView {
  iid: number;
  title: string;
  source: string;
  target: string;
  url: string;
}

export interface PipelineView {
  dag: string;
  run: string;
  status: string;
  id: number;
  iid: number;
  name: string;
  project: string;
  project_url: string;
  ref: RefView;
  merge_request: MergeRequestView | null;
  source: string;
  user: string;
  schedule: string;
  created: string;
  started: string;
  ended: string;
  coverage: number | null;
  text: string;
  moved_to: string;
  upstream: string;
  problem: string;
  stages: StageView[];
  ends: string[];
  may: Record<string, boolean>;
}

const ACTIVE = new Set(["created", "pending", "running"]);

/** Whether a pipeline changes by itself. */
export function isActive({ status }: { status: string }): boolean {
  return ACTIVE.has(status);
}
