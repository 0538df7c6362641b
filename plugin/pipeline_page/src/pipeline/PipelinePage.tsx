import { useMemo, useState } from "react";
import { useSearchParams } from "react-router-dom";

import { Acting } from "../actions/PlayOnChip";
import { JobPage } from "../job/JobPage";
import { usePolled } from "../data/polled";
import { runPath } from "../data/requests";
import { isActive, type PipelineView } from "../data/types";
import { Related } from "../downstream/Related";
import { Needs } from "../needs/Needs";
import { TabPage, Tabs } from "../tabs/Tabs";
import { Filters, NO_FILTER, type Filter } from "./Filters";
import { Header } from "./Header";
import { Notices } from "./Notices";
import { Stages } from "./Stages";
import { Views, type View } from "./Views";

/** How long to wait before looking again: a run that has ended can still be played or cleared. */
function pause(view: PipelineView): number {
  return isActive(view) ? 2000 : 10_000;
}

export function PipelinePage({ dagId, runId }: { dagId?: string; runId?: string }) {
  const { value, problem, refresh } = usePolled<PipelineView>(`gitlab-ci/${runPath(dagId ?? "", runId ?? "")}`, pause);
  const [filter, setFilter] = useState<Filter>(NO_FILTER);
  const [params, setParams] = useSearchParams();
  const [kind, setKind] = useState<View>(params.get("view") === "needs" ? "needs" : "stages");

  function show(next: View): void {
    setKind(next);
    setParams(next === "needs" ? { view: next } : {}, { replace: true });
  }

  const acting = useMemo(() => value && { view: value, refresh }, [value, refresh]);

  if (!value) {
    return (
      <div className="glp-page" aria-busy={!problem}>
        {problem ? (
          <p role="alert" className="glp-notice glp-failed">
            {problem.message}
          </p>
        ) : (
          <Skeleton />
        )}
      </div>
    );
  }
  const task = params.get("job");
  const tab = params.get("tab") ?? "";
  const stage = value.stages.find(({ jobs }) => jobs.some((job) => job.task === task));
  const job = stage?.jobs.find((each) => each.task === task);
  return (
    <div className="glp-page">
      <Header view={value} refresh={refresh} />
      <Notices view={value} problem={problem} brief={job !== undefined || tab !== ""} />
      {stage && job && <JobPage key={job.task} view={value} job={job} stage={stage.name} refresh={refresh} />}
      {!job && value.stages.length > 0 && <Tabs view={value} current={tab} />}
      {!job && tab && <TabPage view={value} name={tab} />}
      {!job && !tab && value.stages.length > 0 && (
        <>
          <Filters stages={value.stages} filter={filter} onChange={setFilter}>
            <Views view={kind} onChange={show} />
          </Filters>
          <Related view={value}>
            <Acting.Provider value={acting}>
              {kind === "needs" ? <Needs view={value} filter={filter} /> : <Stages view={value} filter={filter} />}
            </Acting.Provider>
          </Related>
        </>
      )}
    </div>
  );
}

function Skeleton() {
  return (
    <div className="glp-skeleton" role="status">
      <span className="glp-hidden">Loading the pipeline</span>
      <div />
      <div />
      <div />
    </div>
  );
}
