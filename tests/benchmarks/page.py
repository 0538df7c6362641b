"""What the page of a pipeline with 500 jobs costs a browser and the API server.

A real Chromium opens it in Airflow's UI, on an API server with a made-up run: in a browser that has
never been there, in one that has, and by a click within Airflow; on its own and as a tab of the
run. Beside it, Airflow's own page of the same run. Seconds depend on what else the machine does,
processor time hardly.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.page      needs chromium and `make page`
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from gitlab_ci_provider.model.run_address import page_path
from servers.pages.pages import Pages, shared_pages

RUN, PAGE = "dags/group__big/runs/1", page_path("group__big", "1")
LIST, TAB = "plugin/pipelines", f"{RUN}/plugin/pipeline"
FIRST, AIRFLOWS = 100, 1
PATIENT = 120_000
"""Milliseconds."""

WATCH = """([what, count]) => {
  const there = () => document.querySelectorAll(what).length >= count;
  const painted = () => requestAnimationFrame(() => setTimeout(() => {
    window.shown = performance.now();
  }));
  const seen = new MutationObserver(() => { if (there()) { seen.disconnect(); painted(); } });
  seen.observe(document, { childList: true, subtree: true });
}"""
"""Notes when enough of what is waited for has been painted."""

MARKS = """since => {
  const all = performance.getEntriesByType('resource').filter((each) => each.startTime >= since);
  const data = all.filter((each) => each.name.includes('/gitlab-ci/dags/'));
  const script = all.find((each) => each.name.includes('page.js'));
  return {
    shown: window.shown - since,
    begun: script ? script.startTime - since : 0,
    requests: data.length,
    bytes: data.reduce((sum, each) => sum + each.transferSize, 0),
    script_bytes: script ? script.transferSize : 0,
  };
}"""


@dataclass(frozen=True, slots=True)
class Desk:
    """A browser and the server that it asks."""

    browser: Browser
    pages: Pages
    server: int
    chips: int

    def person(self) -> Page:
        """Open a page in a browser without a cache, logged in."""
        context = self.browser.new_context(viewport={"width": 1500, "height": 900})
        token = {"name": "_token", "value": self.pages.token("viewer"), "url": self.pages.url}
        context.add_cookies([token])  # type: ignore[list-item]  # its own TypedDict
        context.set_default_timeout(PATIENT)
        return context.new_page()

    def goto(self, page: Page, place: str, what: str, count: int) -> dict[str, float]:
        """Open an address; returns what it took."""
        page.add_init_script(f"({WATCH})({[what, count]})")
        spent = Spent(page, self.server)
        page.goto(f"{self.pages.url}/{place}")
        page.wait_for_function("window.shown")
        return {**page.evaluate(MARKS, 0), **spent.since()}

    def click(self, page: Page, place: str, link: str) -> dict[str, float]:
        """Click on what leads there from another page; returns what it took."""
        page.goto(f"{self.pages.url}/{place}")
        page.locator(link).first.wait_for()
        page.wait_for_timeout(3000)  # until Airflow has drawn the rest
        page.evaluate(f"({WATCH})({['.glp-chip', self.chips]})")
        spent, since = Spent(page, self.server), page.evaluate("performance.now()")
        page.locator(link).first.evaluate("link => link.click()")
        page.wait_for_function("window.shown")
        return {**page.evaluate(MARKS, since), **spent.since()}


class Spent:
    """Milliseconds of processor time, of a tab's main thread and of the server."""

    def __init__(self, page: Page, server: int):
        self._metrics = page.context.new_cdp_session(page)
        self._metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._server = server
        self._before = self._read()

    def since(self) -> dict[str, float]:
        """Return what was spent since."""
        return {key: value - self._before[key] for key, value in self._read().items()}

    def _read(self) -> dict[str, float]:
        listed = self._metrics.send("Performance.getMetrics")["metrics"]
        tab = {each["name"]: each["value"] * 1000 for each in listed}
        times = Path(f"/proc/{self._server}/stat").read_text().rpartition(")")[2].split()
        server = (int(times[11]) + int(times[12])) * 1000 / os.sysconf("SC_CLK_TCK")
        return {
            "tab": tab["TaskDuration"],
            "script": tab["ScriptDuration"],
            "layout": tab["LayoutDuration"] + tab["RecalcStyleDuration"],
            "server": server,
        }


def opened(desk: Desk, page: Page, place: str = PAGE) -> dict[str, float]:
    """Open the page in a browser that was never there."""
    return desk.goto(page, place, ".glp-chip", desk.chips)


def again(desk: Desk, page: Page, place: str = PAGE) -> dict[str, float]:
    """Open it in another tab, with all files in the browser's cache."""
    opened(desk, page, place)
    return opened(desk, page.context.new_page(), place)


def airflows(desk: Desk, page: Page) -> dict[str, float]:
    """Open Airflow's own page of the run, with all files in the browser's cache."""
    desk.goto(page, RUN, "tbody tr", AIRFLOWS)
    return desk.goto(page.context.new_page(), RUN, "tbody tr", AIRFLOWS)


WAYS: dict[str, Callable[[Desk, Page], dict[str, float]]] = {
    "click in the list": lambda desk, page: desk.click(page, LIST, f"a[href$='/{PAGE}']"),
    "click on the tab": lambda desk, page: desk.click(page, RUN, f"a[href$='/{TAB}']"),
    "new browser": opened,
    "again": again,
    "again, the tab": lambda desk, page: again(desk, page, TAB),
    "Airflow's own page, again": airflows,
}


def main() -> None:
    """Measure and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--only", choices=list(WAYS))
    parser.add_argument("--chips", type=int, default=FIRST, help="how many jobs to wait for")
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        shared_pages(Path(folder) / "pages") as pages,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        server = int((Path(folder) / "pages" / "server").read_text().split()[1])
        desk = Desk(browser, pages, server, args.chips)
        visit(desk, opened)  # the server imports much for its first requests
        for name in [args.only] if args.only else WAYS:
            report(name, [visit(desk, WAYS[name]) for _ in range(args.times)])


def visit(desk: Desk, way: Callable[[Desk, Page], dict[str, float]]) -> dict[str, Any]:
    """Visit once, in a browser of its own."""
    page = desk.person()
    try:
        return way(desk, page)
    finally:
        page.context.close()


def report(name: str, runs: list[dict[str, Any]]) -> None:
    """Print medians: milliseconds, bytes, and the number of our requests."""
    medians = {key: round(statistics.median(run[key] for run in runs)) for key in runs[0]}
    print(name, medians, flush=True)


if __name__ == "__main__":
    main()
