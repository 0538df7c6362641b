"""The API server whose pages the tests look at; it takes seconds to start, so they share it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from gitlab_ci_provider.plugins.page.static import BUILT, PAGE
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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium."""
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
