// Stands in for the page in a checkout in which it was not built.
const { createElement } = globalThis.React;

function Unbuilt() {
  return createElement(
    "p",
    { role: "alert", style: { padding: "2rem" } },
    "The pipeline page of airflow-provider-gitlab-ci is not built in this checkout. Run ",
    createElement("code", null, "make page"),
    " there (it needs Node.js 20), then reload this page.",
  );
}

globalThis.Pipeline = Unbuilt;
globalThis.Pipelines = Unbuilt;
