import { useParams } from "react-router-dom";

import { PipelinePage } from "../pipeline/PipelinePage";
import { ProjectsPage } from "./ProjectsPage";

/** What the navigation leads to: the projects, or the pipeline whose DAG and run the address names. */
export function Pipelines() {
  const [dag, run] = (useParams()["*"] ?? "").split("/");
  return dag && run ? <PipelinePage dagId={dag} runId={run} /> : <ProjectsPage />;
}
