import { act, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { MemoryRouter } from "react-router-dom";
import { expect, it, vi } from "vitest";

import { Related } from "../src/downstream/Related";
import type { RelatedViews } from "../src/downstream/types";
import { job, view } from "./made";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const CHILD = view({ dag: "group__docs", run: "3", id: 9, project: "group/docs", stages: [{ name: "pages", jobs: [job("links")] }] });

async function draw(shown: ReturnType<typeof view>, related: RelatedViews, jobs: ReactNode = "jobs") {
  const asked = vi.fn(async (url: unknown) => new Response(JSON.stringify(String(url).endsWith("/related") ? related : CHILD)));
  vi.stubGlobal("fetch", asked);
  const place = document.body.appendChild(document.createElement("div"));
  const root = createRoot(place);
  await act(async () => root.render(<MemoryRouter><Related view={shown}>{jobs}</Related></MemoryRouter>));
  return { place, root, asked, end: () => act(() => root.unmount()) };
}

it("asks for no other pipeline when there is none", async () => {
  const { asked, end } = await draw(view({ stages: [{ name: "a", jobs: [job("a")] }] }), { upstream: null, downstream: [] });
  expect(asked).not.toHaveBeenCalled();
  end();
});

it("leaves what a reader has opened as it is when the first pipeline below appears", async () => {
  const at = (downstream: string) => view({ stages: [{ name: "a", jobs: [job("docs", { downstream })] }] });
  const jobs = <details open />;
  const { place, root, end } = await draw(at(""), { upstream: null, downstream: [] }, jobs);
  const opened = place.querySelector("details");
  await act(async () => root.render(<MemoryRouter><Related view={at("plugin/pipelines/group__docs/3")}>{jobs}</Related></MemoryRouter>));
  expect(place.querySelector(".glp-flow details")).toBe(opened);
  end();
});

it("unfolds a pipeline below, whose jobs lead to its own page, and names one that may not be seen", async () => {
  const brief = { dag: "group__docs", run: "3", status: "running", about: null, user: "", created: "", started: "", ended: "", text: "", moved: false };
  const downstream = [
    { task: "docs", dag: "group__docs", run: "3", pipeline: brief },
    { task: "other", dag: "group__secret", run: "1", pipeline: null },
  ];
  const shown = view({ stages: [{ name: "a", jobs: [job("docs", { downstream: "plugin/pipelines/group__docs/3" })] }] });
  const { place, asked, end } = await draw(shown, { upstream: null, downstream });
  expect(place.textContent).toContain("group__secret");
  expect(place.textContent).toContain("Not visible to you");
  expect(asked).toHaveBeenCalledTimes(1);

  await act(async () => place.querySelector<HTMLElement>("button")?.click());
  const [link] = [...place.querySelectorAll("a")].filter((each) => each.textContent?.startsWith("links"));
  expect(link?.getAttribute("href")).toBe("/plugin/pipelines/group__docs/3?job=links");
  end();
});
