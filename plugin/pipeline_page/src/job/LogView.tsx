import { type CSSProperties, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";

import { pieces, type Look } from "./ansi";
import { found, foldedAtFirst, hiding, visible, type Lines } from "./lines";
import type { Log } from "./useLog";

const HEIGHT = 20;
const MORE = 30;

interface LogViewProps {
  log: Log;
  live: boolean;
  line: number;
  /** Begin at the end: a job that has failed says there why. */
  atEnd: boolean;
  /** Of the file that the log is saved as. */
  name: string;
  onLine: (line: number) => void;
}

/** A log of any length: only the lines in sight are in the page. */
export function LogView({ log, live, line, atEnd, name, onLine }: LogViewProps) {
  const { lines, count } = log;
  const [toggled, setToggled] = useState<ReadonlySet<number>>(new Set());
  const [text, setText] = useState("");
  const [hit, setHit] = useState(0);
  const [following, setFollowing] = useState(live && !line);
  const place = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);

  const folded = useMemo(() => differing(foldedAtFirst(lines), toggled), [lines, count, toggled]);
  const titles = useMemo(() => new Set(lines.sections.map((section) => section.start)), [lines, count]);
  const shown = useMemo(() => visible(lines, folded), [lines, count, folded]);
  const hits = useMemo(() => found(lines, text), [lines, count, text]);
  const marked = hits.length ? hits[hit % hits.length] : undefined;

  const toggle = useCallback((start: number) => {
    setToggled((before) => differing(before, new Set([start])));
  }, []);

  // A line to show is shown once: what is scrolled or folded after that stays so.
  const goal = marked ?? (line ? line - 1 : undefined);
  const wanted = useRef<number>(undefined);
  useEffect(() => {
    wanted.current = goal;
  }, [goal, hit, count > (goal ?? 0)]);
  useEffect(() => {
    const next = wanted.current;
    if (next === undefined || next >= count) return;
    const inside = hiding(lines, folded, next);
    if (inside.length) return setToggled((before) => differing(before, new Set(inside)));
    wanted.current = undefined;
    if (place.current) place.current.scrollTop = Math.max(0, (shown.indexOf(next) - 5) * HEIGHT);
  }, [goal, hit, shown]);

  useLayoutEffect(() => {
    if (following && place.current) place.current.scrollTop = place.current.scrollHeight;
  }, [following, shown.length]);

  useLayoutEffect(() => {
    if (atEnd && !line && !log.loading && place.current) place.current.scrollTop = place.current.scrollHeight;
  }, [log.loading]);

  const height = place.current?.clientHeight ?? 600;
  const first = Math.max(0, Math.floor(top / HEIGHT) - MORE);
  const last = Math.min(shown.length, Math.ceil((top + height) / HEIGHT) + MORE);

  function scrolled(): void {
    const box = place.current;
    if (!box) return;
    setTop(box.scrollTop);
    setFollowing(live && box.scrollTop + box.clientHeight > box.scrollHeight - 2 * HEIGHT);
  }

  return (
    <section className="glp-log" aria-label="Log">
      <div className="glp-logbar">
        <form
          role="search"
          onSubmit={(event) => {
            event.preventDefault();
            setHit(hit + 1);
          }}
        >
          <input
            type="search"
            placeholder="Search the log"
            aria-label="Search the log"
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setHit(0);
            }}
          />
          <span className="glp-muted" role="status">
            {text ? (hits.length ? `${(hit % hits.length) + 1} of ${hits.length}` : "not found") : ""}
          </span>
          <button type="button" className="glp-button" disabled={!hits.length} onClick={() => setHit((hit + hits.length - 1) % hits.length)}>
            Previous
          </button>
          <button type="submit" className="glp-button" disabled={!hits.length}>
            Next
          </button>
        </form>
        {live && (
          <label className="glp-check">
            <input type="checkbox" checked={following} onChange={(event) => setFollowing(event.target.checked)} />
            follow
          </label>
        )}
        <button type="button" className="glp-button" disabled={!count} onClick={() => save(lines, name)}>
          Download
        </button>
      </div>
      {log.problem && <p className="glp-notice glp-failed">{log.problem}</p>}
      <div className="glp-lines" hidden={!log.loading && !count} ref={place} onScroll={scrolled} tabIndex={0} role="log" aria-label="Lines of the log" aria-live="off">
        <div style={{ height: shown.length * HEIGHT, position: "relative" }}>
          <div style={{ position: "absolute", top: first * HEIGHT, minWidth: "100%" }}>
            {shown.slice(first, last).map((number) => (
              <Row
                key={number}
                number={number}
                text={lines.texts[number] ?? ""}
                look={lines.looks.get(number)}
                section={titles.has(number)}
                folded={folded.has(number)}
                bad={lines.bad.has(number)}
                marked={number === marked || number === line - 1}
                onToggle={toggle}
                onLine={onLine}
              />
            ))}
          </div>
        </div>
      </div>
      {!log.loading && !count && !log.problem && <p className="glp-nothing">This job has no log.</p>}
    </section>
  );
}

/** Saves what was read of a log as text, with its colours; Airflow's API has it as JSON only. */
function save(lines: Lines, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${lines.texts.join("\n")}\n`], { type: "text/plain" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** What is in one of two sets, but not in both. */
function differing(one: ReadonlySet<number>, other: ReadonlySet<number>): Set<number> {
  const all = new Set(one);
  for (const each of other) if (!all.delete(each)) all.add(each);
  return all;
}

interface RowProps {
  number: number;
  text: string;
  look?: Look;
  section: boolean;
  folded: boolean;
  bad: boolean;
  marked: boolean;
  onToggle: (start: number) => void;
  onLine: (line: number) => void;
}

function Row({ number, text, look, section, folded, bad, marked, onToggle, onLine }: RowProps) {
  const kind = `glp-row${section ? " glp-section" : ""}${bad ? " glp-bad" : ""}${marked ? " glp-marked" : ""}`;
  return (
    <div className={kind}>
      <button type="button" className="glp-line-number" aria-label={`Link to line ${number + 1}`} onClick={() => onLine(number + 1)}>
        {number + 1}
      </button>
      {section ? (
        <button type="button" className="glp-fold" aria-expanded={!folded} onClick={() => onToggle(number)}>
          <span aria-hidden="true">{folded ? "▸" : "▾"}</span> {text}
        </button>
      ) : (
        <span className="glp-text">
          {pieces(text, look).pieces.map((piece, index) => (
            <span key={index} style={styled(piece.look)}>
              {piece.text}
            </span>
          ))}
        </span>
      )}
    </div>
  );
}

function styled(look: Look): CSSProperties | undefined {
  if (!Object.keys(look).length) return undefined;
  return {
    color: look.fg,
    backgroundColor: look.bg,
    fontWeight: look.bold ? 700 : undefined,
    opacity: look.dim ? 0.75 : undefined,
    fontStyle: look.italic ? "italic" : undefined,
    textDecoration: look.underline ? "underline" : undefined,
  };
}
