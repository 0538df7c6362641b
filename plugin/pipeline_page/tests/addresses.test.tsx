import { Route, Routes } from "react-router-dom";
import { beforeEach, expect, it } from "vitest";

import { pipelinePath } from "../src/data/requests";
import { PipelinePage } from "../src/pipeline/PipelinePage";
import { Pipelines } from "../src/projects/Pipelines";
import { view } from "./made";
import { answering, mountEach, page, show } from "./mounted";

mountEach();

const SHOP = { dag: "group__shop", run: "scheduled__2026+00:00" };
const OWN = pipelinePath(SHOP);
const IN_AIRFLOW = "/dags/group__shop/runs/scheduled__2026%2B00%3A00";

/** As Airflow's router: the page on its own below the list, and as a tab of the run. */
const shown = (
  <Routes>
    <Route path="plugin/:page/*" element={<Pipelines />} />
    <Route path="dags/*" element={<PipelinePage dagId={SHOP.dag} runId={SHOP.run} />} />
  </Routes>
);
let asked: ReturnType<typeof answering>;

beforeEach(() => {
  asked = answering({ "/gitlab-ci/projects": { projects: [], total: 0, page: 1, size: 25 }, [`/gitlab-ci${IN_AIRFLOW}`]: view(SHOP) });
});

const link = (words: string) => [...page.place.querySelectorAll("a")].find(({ textContent }) => textContent === words)?.getAttribute("href");

it("shows the list of projects, and below it the pipeline that the address names", async () => {
  await show(shown, "/plugin/pipelines");
  expect(page.place.querySelector("h2")?.textContent).toBe("Pipelines of projects");

  await show(shown, `${OWN}?job=a`);
  expect(page.place.querySelector("h2")?.textContent).toBe("A commit");
  expect(asked.mock.calls.map(([url]) => new URL(url).pathname)).toEqual(["/gitlab-ci/projects", `/gitlab-ci${IN_AIRFLOW}`]);
});

it("leads from Airflow's page of the run to the same place on its own, and back to the run", async () => {
  await show(shown, `${IN_AIRFLOW}/plugin/pipeline?tab=tests`);
  expect(link("open on its own")).toBe(`${OWN}?tab=tests`);

  await show(shown, OWN);
  expect(link("run in Airflow")).toBe(IN_AIRFLOW);
});
