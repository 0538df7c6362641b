"""The documentation's pictures can be taken, and are those that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from servers.pages import pictures
from servers.pages.pages import shared_pages
from servers.pages.serve import FRIENDLY

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[3] / "docs"
AIRFLOWS = {"graph", "grid", "log", "run-form"}
"""Airflow's own pages, of which `.ci/screenshots` takes pictures on a stack."""


def test_each_picture_is_taken(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is shown can be reached on the page as it is now."""
    monkeypatch.setenv(FRIENDLY, "1")
    with shared_pages(tmp_path / "pages") as pages:
        pictures.take(browser, pages.url, pages.token("admin"), "light", tmp_path, settle=0)

    taken = {file.stem for file in tmp_path.glob("*.webp") if file.stat().st_size > 5000}
    assert taken == {picture.name for picture in pictures.PICTURES}


def test_the_documentation_has_each_picture_in_both_themes_and_shows_it():
    """None is left over, and none is missing."""
    names = AIRFLOWS | {picture.name for picture in pictures.PICTURES}
    wanted = {pictures.file_name(name, theme) for name in names for theme in pictures.THEMES}
    shown = {
        name
        for page in DOCS.rglob("*.md")
        for name in re.findall(r"images/([\w-]+\.webp)", page.read_text("utf-8"))
    }
    assert {file.name for file in (DOCS / "images").glob("*.webp")} == wanted == shown
