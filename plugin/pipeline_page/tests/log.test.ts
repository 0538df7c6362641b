import { describe, expect, it } from "vitest";

import { overwritten, pieces, plain } from "../src/job/ansi";
import { found, foldedAtFirst, hiding, Lines, visible } from "../src/job/lines";
import { addEntry } from "../src/job/useLog";

const ESC = "\u001b";

function lines(...texts: string[]): Lines {
  const made = new Lines();
  for (const text of texts) made.add(text);
  return made;
}

function shown(log: Lines, folded = foldedAtFirst(log)): string[] {
  return visible(log, folded).map((line) => log.texts[line] ?? "");
}

describe("colours", () => {
  it("become pieces, and go on until they are reset", () => {
    const { pieces: found, end } = pieces(`a${ESC}[31;1mb${ESC}[0mc${ESC}[38;5;196md`);
    expect(found).toEqual([
      { text: "a", look: {} },
      { text: "b", look: { fg: "var(--glp-ansi-1)", bold: true } },
      { text: "c", look: {} },
      { text: "d", look: { fg: "rgb(255 0 0)" } },
    ]);
    expect(end).toEqual({ fg: "rgb(255 0 0)" });
  });

  it.each(["[2J", "[1;1H", "]0;title\u0007", "]8;;javascript:alert(1)\u0007", "[?25l"])(
    "of other kinds are left out: %j",
    (sequence) => {
      expect(plain(`a${ESC}${sequence}b`)).toBe("ab");
      expect(pieces(`a${ESC}${sequence}b`).pieces.map((piece) => piece.text)).toEqual(["a", "b"]);
    },
  );

  it("take no numbers that are none", () => {
    expect(pieces(`${ESC}[38;2;999;;mx`).pieces).toEqual([{ text: "x", look: { fg: "rgb(255 0 0)" } }]);
  });

  it("of a line that was written over itself are those of its end", () => {
    expect(overwritten("10 %\r50 %\r100 %\r")).toBe("100 %");
  });
});

describe("sections", () => {
  const log = () =>
    lines("before", "::group::get_sources", "fetching", "::endgroup::", "$ make", "section_start:1:mine[collapsed=true]\r\u001b[0KMy part", "inside", "section_end:1:mine\r\u001b[0K", "after");

  it("are folded at first, Airflow's and GitLab's own", () => {
    expect(shown(log())).toEqual(["before", "get_sources", "$ make", "My part", "after"]);
  });

  it("unfold one by one, and a hidden line knows what hides it", () => {
    const made = log();
    const hit = found(made, "INSIDE")[0]!;
    expect(made.texts[hit]).toBe("inside");
    const inside = hiding(made, foldedAtFirst(made), hit);
    const folded = foldedAtFirst(made);
    for (const start of inside) folded.delete(start);
    expect(shown(made, folded)).toContain("inside");
  });

  it("that have failed or go on are open", () => {
    const made = lines("::group::one");
    made.add("broken", "error");
    made.add("::endgroup::");
    made.add("::group::two");
    made.add("going on");
    expect(shown(made)).toEqual(["one", "broken", "two", "going on"]);
  });

  it("that never end, or end twice, do no harm", () => {
    expect(shown(lines("::endgroup::", "::endgroup::", "a", "::group::x"))).toEqual(["a", "x"]);
  });
});

describe("entries of Airflow's log", () => {
  it("are lines, many in one entry, with the messages of exceptions", () => {
    const made = new Lines();
    addEntry(made, { event: "one\ntwo", level: "info" });
    addEntry(made, { event: "Task failed", level: "error", error_detail: [{ exc_value: "exit code 2" }] });
    addEntry(made, "plain");
    addEntry(made, { event: "::group::Log message source details" });
    addEntry(made, { event: "/a/file" });
    addEntry(made, { event: "::endgroup::" });
    addEntry(made, null);
    expect(made.texts).toEqual(["one", "two", "Task failed", "exit code 2", "plain"]);
    expect([...made.bad]).toEqual([2, 3]);
  });
});

it("what Airflow does before a job is left out, unless it goes wrong there", () => {
  const made = new Lines();
  for (const event of ["::group::Pre Execute", "quiet", "::endgroup::", "$ make", "::group::Post Execute", "quiet"]) addEntry(made, { event, level: "info" });
  addEntry(made, { event: "no space left", level: "error" });
  addEntry(made, { event: "::endgroup::", level: "info" });
  expect(made.texts).toEqual(["$ make", "no space left"]);
  expect([...made.bad]).toEqual([1]);
});

it("two hundred thousand lines are cut in sections and searched at once", () => {
  const made = new Lines();
  made.add(Array.from({ length: 200_000 }, (_, line) => `line ${line}`).join("\n"));
  expect(visible(made, new Set())).toHaveLength(200_000);
  expect(found(made, "line 199999")).toEqual([199_999]);
});
