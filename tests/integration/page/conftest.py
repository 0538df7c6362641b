"""The API server whose pages the tests look at; it takes seconds to start, so they share it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gitlab_ci_provider.model.run_address import page_path
from gitlab_ci_provider.plugins.page.static import BUILT, PAGE
from servers.pages.browsing import PATIENT, Open
from servers.pages.pages import Pages, shared_pages

ROOT = Path(__file__).parents[3]
AXE = ROOT / "plugin" / "pipeline_page" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Serve made-up runs."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with shared_pages(shared / "pages") as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium; other modules could run no event loop while Playwright has one."""
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("chromium is not installed")
    if not (BUILT / PAGE).exists() or not AXE.exists():
        pytest.skip("the page is not built: make page")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=arguments)


@pytest.fixture
def axe() -> Path:
    """The accessibility checker, which runs in the page."""
    return AXE


@pytest.fixture
def visit(pages: Pages, browser: Browser) -> Iterator[Open]:
    """Open a pipeline's page, or the projects (`""`), as a person; no page may run a script."""
    with ExitStack() as opened:

        def visited(
            run: str, dag: str = "group__shop", person: str = "viewer", **kind: str
        ) -> Page:
            context = browser.new_context(viewport={"width": 1500, "height": 900})
            opened.callback(context.close)
            cookie = {"name": "_token", "value": pages.token(person), "url": pages.url}
            context.add_cookies([cookie])  # type: ignore[list-item]  # its own TypedDict
            theme = kind.get("theme", "light")
            context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
            page = context.new_page()
            page.set_default_timeout(PATIENT)
            expect.set_options(timeout=PATIENT)
            page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
            place = page_path(dag, run) if run else "plugin/pipelines"
            page.goto(f"{pages.url}/{place}{kind.get('query', '')}")
            page.locator(".glp-page:not([aria-busy=true])").wait_for()
            return page

        yield visited
