import css from "./page.css?inline";
import { PipelinePage } from "./pipeline/PipelinePage";

// Airflow loads this file once and takes the component from the variable that has the app's name.
const style = document.createElement("style");
style.textContent = css;
document.head.append(style);

Object.assign(globalThis, { Pipeline: PipelinePage });
