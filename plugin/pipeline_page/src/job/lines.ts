// The lines of a log, with its sections: Airflow's groups and GitLab's own markers.

import { overwritten, pieces, plain, type Look } from "./ansi";

export interface Section {
  name: string;
  /** Line with its title; its content is after that, up to and including `end`. */
  start: number;
  end: number;
  closed: boolean;
}

const GROUP = /^::group::(.*)$/;
/** Groups in which Airflow writes about itself, and nothing of the job. */
const AIRFLOWS = /^::group::(Log message source details|(Pre|Post) Execute)/;
const END_GROUP = "::endgroup::";
const MARKER = /(?:\u001b\[0K)?section_(start|end):\d+:([\w.-]+)(?:\[[^\]]*\])?\r?(?:\u001b\[0K)?/;

/** Grows while a job writes. Positions are line numbers from 0; a section's title is a line of its own. */
export class Lines {
  readonly texts: string[] = [];
  readonly sections: Section[] = [];
  /** Lines that begin in another look than plain. */
  readonly looks = new Map<number, Look>();
  private open: Section[] = [];
  private leftOut = false;
  private look: Look = {};
  readonly bad = new Set<number>();

  add(text: string, level = ""): void {
    for (const line of text.split("\n")) this.addLine(line, level);
  }

  private addLine(line: string, level: string): void {
    const group = GROUP.exec(line);
    if (AIRFLOWS.test(line)) this.leftOut = true;
    else if (group || isBad(level)) this.leftOut = false; // what goes wrong in there is shown
    if (this.leftOut) {
      this.leftOut = !line.startsWith(END_GROUP);
      return;
    }
    if (group) return this.begin(plain(group[1] ?? ""));
    if (line.startsWith(END_GROUP)) return this.finish();
    const marker = line.includes("section_") ? MARKER.exec(line) : null;
    if (marker) return this.mark(line, marker, level);
    this.put(line, level);
  }

  private mark(line: string, marker: RegExpExecArray, level: string): void {
    const rest = line.slice(marker.index + marker[0].length);
    const before = line.slice(0, marker.index);
    if (before) this.addLine(before, level);
    if (marker[1] === "start") return this.begin(plain(overwritten(rest)) || (marker[2] ?? ""));
    this.finish();
    if (rest) this.addLine(rest, level);
  }

  private put(line: string, level: string): void {
    if (Object.keys(this.look).length) this.looks.set(this.texts.length, this.look);
    const shown = overwritten(line);
    if (shown.includes("\u001b")) this.look = pieces(shown, this.look).end;
    if (isBad(level)) this.bad.add(this.texts.length);
    this.texts.push(shown);
  }

  private begin(name: string): void {
    const section = { name, start: this.texts.length, end: Number.MAX_SAFE_INTEGER, closed: false };
    this.look = {};
    this.texts.push(name);
    this.sections.push(section);
    this.open.push(section);
  }

  private finish(): void {
    const section = this.open.pop();
    if (!section) return;
    section.end = this.texts.length - 1;
    section.closed = true;
    this.look = {};
  }
}

function isBad(level: string): boolean {
  return level === "error" || level === "critical";
}

/** Which lines to show when some sections, named by their first line, are folded. */
export function visible(lines: Lines, folded: ReadonlySet<number>): number[] {
  const shown: number[] = [];
  const ends = new Map(lines.sections.map((section) => [section.start, section.end]));
  for (let line = 0; line < lines.texts.length; line += 1) {
    shown.push(line);
    if (folded.has(line)) line = Math.min(ends.get(line) ?? line, lines.texts.length - 1);
  }
  return shown;
}

/** Sections that are folded when a log is opened: all, except one in which the job has failed or that goes on. */
export function foldedAtFirst(lines: Lines): Set<number> {
  const quiet = lines.sections.filter((section) => {
    if (!section.closed || section.start === section.end) return section.closed;
    for (const bad of lines.bad) if (bad > section.start && bad <= section.end) return false;
    return true;
  });
  return new Set(quiet.map((section) => section.start));
}

export function found(lines: Lines, text: string): number[] {
  const wanted = text.toLowerCase();
  if (!wanted) return [];
  const hits: number[] = [];
  for (let line = 0; line < lines.texts.length; line += 1) {
    if (plain(lines.texts[line] ?? "").toLowerCase().includes(wanted)) hits.push(line);
  }
  return hits;
}

/** The folded sections that hide a line. */
export function hiding(lines: Lines, folded: ReadonlySet<number>, line: number): number[] {
  return lines.sections
    .filter((section) => folded.has(section.start) && line > section.start && line <= section.end)
    .map((section) => section.start);
}
