// What the server sends: the fields of `plugins/page/projects.py` and `brief.py`.

export interface About {
  id: number;
  iid: number;
  name: string;
  project: string;
  ref: string;
  tag: boolean;
  sha: string;
  title: string;
  author: string;
  source: string;
  user: string;
  merge_request: number;
}

export interface BriefView {
  dag: string;
  run: string;
  status: string;
  about: About | null;
  user: string;
  created: string;
  started: string;
  ended: string;
  text: string;
  moved: boolean;
}

export interface DiagnosticView {
  severity: "error" | "warning";
  code: string;
  message: string;
  file: string;
  line: number;
  hint: string;
  url: string;
}

export interface ProjectView {
  dag: string;
  path: string;
  url: string;
  ref: string;
  sha: string;
  runs: boolean;
  paused: boolean;
  broken: boolean;
  schedules: string[];
  diagnostics: DiagnosticView[];
  errors: number;
  warnings: number;
  pipelines: BriefView[];
  problem: string;
  may: Record<string, boolean>;
}

export interface ProjectsView {
  projects: ProjectView[];
  total: number;
  page: number;
  size: number;
}
