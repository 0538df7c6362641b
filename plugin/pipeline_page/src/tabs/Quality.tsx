import { useState } from "react";

import { useRead } from "../data/read";
import { runPath } from "../data/requests";
import type { PipelineView } from "../data/types";
import { Outside } from "../parts/Outside";
import { count } from "../parts/words";
import { Place } from "./Place";
import { type Earlier, Since } from "./Since";
import { Reading, Table } from "./Table";

// What the server sends: `plugins/page/quality.py`.

interface FindingView {
  job: string;
  task: string;
  description: string;
  check: string;
  severity: string;
  path: string;
  line: number;
  url: string;
  new: boolean;
}

export interface QualityView {
  reports: number;
  counts: Record<string, number>;
  added: number;
  findings: FindingView[];
  more: number;
  gone: FindingView[];
  problems: Record<string, string>;
  earlier: Earlier | null;
}

const TONE: Record<string, string> = { blocker: "failed", critical: "failed", major: "warning", minor: "pending" };

/** What the code quality reports of all jobs have found, the worst first, compared with the last pipeline of the ref. */
export function Quality({ view }: { view: PipelineView }) {
  const version = view.stages.flatMap((stage) => stage.jobs.map((job) => job.findings)).join();
  const read = useRead<QualityView>(`gitlab-ci/${runPath(view.dag, view.run)}/quality`, version);
  return (
    <Reading read={read} empty="" what="the reports">
      {(quality) => (quality.reports ? <Report quality={quality} /> : <Nothing />)}
    </Reading>
  );
}

function Nothing() {
  return (
    <p className="glp-nothing">
      No job of this pipeline has left a code quality report (<code>artifacts:reports:codequality</code>).
    </p>
  );
}

function Report({ quality }: { quality: QualityView }) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const shown = quality.findings.filter((each) => `${each.description} ${each.check} ${each.path} ${each.severity}`.toLowerCase().includes(wanted));
  return (
    <>
      <Summary quality={quality} />
      {Object.entries(quality.problems).map(([job, problem]) => (
        <p key={job} className="glp-problem">
          {job}: {problem}
        </p>
      ))}
      <input type="search" className="glp-find" placeholder="Find a finding" aria-label="Find a finding" value={text} onChange={(event) => setText(event.target.value)} />
      {shown.length ? <Findings label="Findings" findings={shown} /> : <p className="glp-nothing">{wanted ? "There is no such finding." : "Nothing was found."}</p>}
      {quality.more > 0 && <p className="glp-muted">{count(quality.more, "more finding")} not listed: the report is among the artifacts.</p>}
      {quality.gone.length > 0 && (
        <details className="glp-fixed">
          <summary>Gone since the earlier pipeline: {count(quality.gone.length, "finding")}</summary>
          <Findings label="Findings that are gone" findings={quality.gone} />
        </details>
      )}
    </>
  );
}

function Summary({ quality }: { quality: QualityView }) {
  const counts = Object.entries(quality.counts);
  const total = counts.reduce((sum, [, number]) => sum + number, 0);
  return (
    <p className={`glp-notice glp-${total ? (quality.added ? "warning" : "pending") : "success"}`}>
      {count(total, "finding")}
      {total > 0 && ` (${counts.map(([severity, number]) => `${number} ${severity}`).join(", ")})`}
      <Since earlier={quality.earlier} tab="quality">
        {quality.added} new, {quality.gone.length} gone
      </Since>
    </p>
  );
}

function Findings({ label, findings }: { label: string; findings: FindingView[] }) {
  return (
    <Table label={label} heads={["Severity", "Finding", "Where", "Job"]}>
      {findings.map((each, index) => (
        <tr key={index}>
          <td>
            <span className={`glp-lint glp-${TONE[each.severity] ?? "skipped"}`}>{each.severity}</span>
            {each.new && <span className="glp-number glp-bad-number glp-new">new</span>}
          </td>
          <td>
            {each.description} <code className="glp-muted">{each.check}</code>
          </td>
          <td>
            <Outside href={each.url}>
              {each.path}
              {each.line ? `:${each.line}` : ""}
            </Outside>
          </td>
          <td>
            <Place to={`?job=${encodeURIComponent(each.task)}`}>{each.job}</Place>
          </td>
        </tr>
      ))}
    </Table>
  );
}
