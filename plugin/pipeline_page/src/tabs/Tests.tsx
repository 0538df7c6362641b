import { useState } from "react";

import { useRead } from "../data/read";
import { runPath } from "../data/requests";
import type { PipelineView } from "../data/types";
import { StatusIcon } from "../parts/StatusIcon";
import { count, duration, testCount } from "../parts/words";
import { Place } from "./Place";
import { type Earlier, Since } from "./Since";
import { Reading, Table } from "./Table";

// What the server sends: `plugins/page/junit.py`.

export interface CaseView {
  job: string;
  task: string;
  name: string;
  classname: string;
  suite: string;
  file: string;
  status: string;
  time: number;
  output: string;
  new: boolean;
}

interface SuiteView {
  job: string;
  task: string;
  counts: Record<string, number>;
  time: number;
  problem: string;
}

export interface TestsView {
  suites: SuiteView[];
  cases: CaseView[];
  more: number;
  fixed: string[];
  earlier: Earlier | null;
}

const BAD = new Set(["failed", "error"]);
const ICON: Record<string, string> = { error: "failed" };
const WORD: Record<string, string> = { success: "passed", failed: "failed", error: "error", skipped: "skipped" };

/** The tests of all jobs, those that failed first, compared with the last pipeline of the ref. */
export function Tests({ view }: { view: PipelineView }) {
  const version = view.stages.flatMap((stage) => stage.jobs.map((job) => testCount(job))).join();
  const read = useRead<TestsView>(`gitlab-ci/${runPath(view.dag, view.run)}/tests`, version);
  return (
    <Reading read={read} empty="" what="the reports">
      {(tests) => (tests.suites.length ? <Report tests={tests} /> : <Nothing />)}
    </Reading>
  );
}

function Nothing() {
  return (
    <p className="glp-nothing">
      No job of this pipeline has left a JUnit report (<code>artifacts:reports:junit</code>).
    </p>
  );
}

function Report({ tests }: { tests: TestsView }) {
  const [all, setAll] = useState(false);
  const [text, setText] = useState("");
  const bad = tests.cases.filter((each) => BAD.has(each.status));
  const wanted = text.trim().toLowerCase();
  const shown = (all || wanted ? tests.cases : bad).filter((each) => words(each).toLowerCase().includes(wanted));
  return (
    <>
      <Summary tests={tests} />
      <Suites suites={tests.suites} />
      <div className="glp-filters" role="group" aria-label="Filter tests">
        <input type="search" placeholder="Find a test" aria-label="Find a test" value={text} onChange={(event) => setText(event.target.value)} />
        <label className="glp-check">
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} />
          also those that passed
        </label>
      </div>
      {shown.length ? (
        <ul className="glp-cases" aria-label="Tests">
          {shown.map((each, index) => (
            <Case key={`${index} ${each.task} ${words(each)}`} test={each} />
          ))}
        </ul>
      ) : (
        <p className="glp-nothing">{wanted ? "There is no such test." : "No test has failed."}</p>
      )}
      {tests.more > 0 && (all || wanted) && <p className="glp-muted">{count(tests.more, "more test")} not listed: the report is among the artifacts.</p>}
      {tests.fixed.length > 0 && <Fixed names={tests.fixed} />}
    </>
  );
}

function Summary({ tests }: { tests: TestsView }) {
  const sum = (status: string) => tests.suites.reduce((total, suite) => total + (suite.counts[status] ?? 0), 0);
  const failed = sum("failed") + sum("error");
  const fresh = tests.cases.filter((each) => each.new).length;
  const total = Object.keys(WORD).reduce((all, status) => all + sum(status), 0);
  return (
    <p className={`glp-notice glp-${failed ? "failed" : "success"}`}>
      {failed ? `${failed} of ${count(total, "test")} failed` : `All ${count(total, "test")} passed`}
      {sum("skipped") ? `, ${sum("skipped")} skipped` : ""}
      <Since earlier={tests.earlier} tab="tests">
        {fresh} newly failed, {tests.fixed.length} fixed
      </Since>
    </p>
  );
}

function Suites({ suites }: { suites: SuiteView[] }) {
  return (
    <Table label="Tests by job" heads={["Job", "Failed", "Error", "Skipped", "Passed", "Time"]} right={[1, 2, 3, 4, 5]}>
      {suites.map((suite) => (
        <tr key={suite.task}>
          <td>
            <Place to={`?job=${encodeURIComponent(suite.task)}`}>{suite.job}</Place>
            {suite.problem && <div className="glp-problem">{suite.problem}</div>}
          </td>
          {["failed", "error", "skipped", "success"].map((status) => (
            <td key={status} className="glp-right">
              {suite.counts[status] ?? 0}
            </td>
          ))}
          <td className="glp-right">{duration(suite.time)}</td>
        </tr>
      ))}
    </Table>
  );
}

function words(test: CaseView): string {
  return [test.classname || test.suite, test.name].filter(Boolean).join(" › ");
}

function Case({ test }: { test: CaseView }) {
  const title = (
    <>
      <StatusIcon status={ICON[test.status] ?? test.status} />
      <span className="glp-case-name">{words(test)}</span>
      <span className="glp-hidden">, {WORD[test.status] ?? test.status}</span>
      {test.new && <span className="glp-number glp-bad-number">new</span>}
      <span className="glp-time">
        {test.job} · {seconds(test.time)}
      </span>
    </>
  );
  if (!test.output) return <li className="glp-case">{title}</li>;
  return (
    <li>
      <details>
        <summary className="glp-case">{title}</summary>
        {test.file && <p className="glp-muted">{test.file}</p>}
        <pre className="glp-text-file" tabIndex={0}>
          {test.output}
        </pre>
      </details>
    </li>
  );
}

function Fixed({ names }: { names: string[] }) {
  return (
    <details className="glp-fixed">
      <summary>{count(names.length, "test")} that failed before and passed now</summary>
      <ul>
        {names.map((name, index) => (
          <li key={index}>{name}</li>
        ))}
      </ul>
    </details>
  );
}

function seconds(time: number): string {
  return time < 10 ? `${time.toFixed(2)} s` : duration(time);
}
