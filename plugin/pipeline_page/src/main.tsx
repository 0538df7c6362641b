import downstream from "./downstream/downstream.css?inline";
import needs from "./needs/needs.css?inline";
import page from "./page.css?inline";
import { PipelinePage } from "./pipeline/PipelinePage";
import projects from "./projects/projects.css?inline";
import { Pipelines } from "./projects/Pipelines";
import tabs from "./tabs/tabs.css?inline";

// Airflow loads this file once and takes the components from the variables that have the apps' names.
const style = document.createElement("style");
style.textContent = page + downstream + needs + projects + tabs;
document.head.append(style);

Object.assign(globalThis, { Pipeline: PipelinePage, Pipelines });
