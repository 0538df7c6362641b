// How people read values: GitLab's words.

const STATUS: Record<string, string> = {
  success: "Passed",
  warning: "Passed with warnings",
  failed: "Failed",
  canceled: "Canceled",
  skipped: "Skipped",
  running: "Running",
  pending: "Pending",
  created: "Created",
  manual: "Manual",
  scheduled: "Delayed",
  blocked: "Blocked",
  absent: "Not in this pipeline",
};

const SOURCE: Record<string, string> = {
  merge_request_event: "merge request",
  parent_pipeline: "parent pipeline",
  pipeline: "multi-project pipeline",
  api: "API",
};

export function statusWord(status: string): string {
  return STATUS[status] ?? status;
}

/** Of a job: one that failed and may is a warning of the pipeline, but has failed itself. */
export function jobStatusWord(status: string): string {
  return status === "warning" ? "Failed (allowed to fail)" : statusWord(status);
}

export function sourceWord(source: string): string {
  return SOURCE[source] ?? source.replaceAll("_", " ");
}

export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  return minutes ? `${minutes} min ${String(rest).padStart(2, "0")} s` : `${rest} s`;
}

/** The same for small places: `42 s`, `1:36`, `1:00:07`. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number: number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

export function ago(moment: string, now: number = Date.now()): string {
  const seconds = (Date.parse(moment) - now) / 1000;
  if (Number.isNaN(seconds)) return "";
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return words.format(Math.round(seconds / length), unit);
  }
  return "just now";
}

export function moment(text: string): string {
  const parsed = new Date(text);
  return Number.isNaN(parsed.getTime()) ? "" : parsed.toLocaleString();
}

/** A line of a file. */
export function placeWord({ file, line }: { file: string; line: number }): string {
  return line ? `${file}:${line}` : file;
}

/** How many tests a job has reported. */
export function testCount({ tests }: { tests: Record<string, number> }): number {
  return Object.values(tests).reduce((sum, number) => sum + number, 0);
}

export function failedTests({ tests }: { tests: Record<string, number> }): number {
  return (tests.failed ?? 0) + (tests.error ?? 0);
}

/** A number of bytes as people read it. */
export function bytes(number: number): string {
  if (number < 1000) return `${number} B`;
  const power = Math.min(4, Math.floor(Math.log10(number) / 3));
  return `${(number / 1000 ** power).toPrecision(3)} ${["kB", "MB", "GB", "TB"][power - 1]}`;
}

export function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}
