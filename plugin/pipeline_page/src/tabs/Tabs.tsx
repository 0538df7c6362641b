import { Link } from "react-router-dom";

import type { PipelineView } from "../data/types";
import { failedTests, testCount } from "../parts/words";
import { Artifacts } from "./Artifacts";
import { Environments } from "./Environments";
import { Quality } from "./Quality";
import { Tests } from "./Tests";
import { Variables } from "./Variables";

interface Tab {
  name: string;
  label: string;
  number?: number;
  bad?: number;
}

/** What there is to see of a pipeline besides its jobs. */
export function tabs(view: PipelineView): Tab[] {
  const jobs = view.stages.flatMap((stage) => stage.jobs);
  const sum = (number: (job: (typeof jobs)[number]) => number) => jobs.reduce((total, job) => total + number(job), 0);
  return [
    { name: "", label: "Jobs", number: jobs.filter((job) => job.status !== "absent").length },
    {
      name: "tests",
      label: "Tests",
      number: sum(testCount),
      bad: sum(failedTests),
    },
    ...(jobs.some((job) => job.findings !== null) ? [{ name: "quality", label: "Code quality", number: sum((job) => job.findings ?? 0) }] : []),
    { name: "artifacts", label: "Artifacts", number: sum((job) => job.artifacts) },
    { name: "environments", label: "Environments" },
    { name: "variables", label: "Variables" },
  ];
}

export function Tabs({ view, current }: { view: PipelineView; current: string }) {
  return (
    <nav aria-label="Parts of the pipeline" className="glp-tabs">
      {tabs(view).map((tab) => (
        <Link
          key={tab.name}
          className="glp-tab"
          aria-current={tab.name === current ? "page" : undefined}
          to={{ search: tab.name && `?tab=${tab.name}` }}
        >
          {tab.label}
          {tab.number !== undefined && <span className="glp-number">{tab.number}</span>}
          {tab.bad ? <span className="glp-number glp-bad-number">{tab.bad} failed</span> : null}
        </Link>
      ))}
    </nav>
  );
}

/** The part that the address names; each reads its own data, when it is opened. */
export function TabPage({ view, name }: { view: PipelineView; name: string }) {
  if (name === "tests") return <Tests view={view} />;
  if (name === "quality") return <Quality view={view} />;
  if (name === "artifacts") return <Artifacts view={view} />;
  if (name === "environments") return <Environments view={view} />;
  if (name === "variables") return <Variables view={view} />;
  return <p className="glp-nothing">There is no such part of the pipeline.</p>;
}
