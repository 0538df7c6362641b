"""The parts of the pipeline page besides its jobs, as people use them in a browser."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from servers.pages.browsing import Open, barriers
from servers.pages.story import BUILT

pytestmark = pytest.mark.integration

PARTS = (
    "?tab=tests",
    "?tab=quality",
    "?tab=artifacts",
    "?tab=artifacts&of=compile&folder=dist/",
    "?tab=artifacts&of=compile&file=dist/index.html",
    "?tab=environments",
    "?tab=variables",
    "?job=lint",
    "?job=unit_3.12",
)
TOO_WIDE = """() => {
  const found = [];
  for (let box = document.querySelector(".glp-page"); box; box = box.parentElement) {
    if (box.scrollWidth > box.clientWidth) found.push(box.outerHTML.slice(0, 100));
  }
  return found;
}"""
"""Finds what scrolls sideways: the page, or Airflow's frame around it."""


def go(page: Page, part: str) -> None:
    """Go to a part of the pipeline, and wait until it has been read."""
    page.goto(page.url.partition("?")[0] + part)
    page.locator(".glp-page:not([aria-busy=true])").wait_for()
    expect(page.get_by_role("status").filter(has_text="Reading")).to_have_count(0)


def test_artifacts_are_browsed_and_downloaded(visit: Open, tmp_path: Path):
    """From the run to a file in four clicks, and all of them as one archive."""
    page = visit("11-failed")
    page.get_by_role("link", name="Artifacts").click()
    page.get_by_role("link", name="compile", exact=True).click()
    page.get_by_role("link", name="dist/").click()
    page.get_by_role("link", name="index.html", exact=True).click()
    expect(page.locator("pre")).to_contain_text("<script>alert(document.domain)</script>")

    page.get_by_role("link", name="dist", exact=False).first.click()
    page.get_by_role("link", name="pixel.png", exact=True).click()
    picture = page.get_by_role("img", name="dist/pixel.png")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 16

    page.get_by_role("link", name="Artifacts").first.click()
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download compile of compile").click()
    begun.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert set(archive.namelist()) == set(BUILT.files)


def test_a_viewer_gets_no_artifacts_that_are_for_developers(visit: Open):
    """The names are shown, with the reason."""
    page = visit("11-failed", query="?tab=artifacts&of=integration")
    expect(page.get_by_text("You can see the names only")).to_be_visible()
    assert page.get_by_text("README.md").is_visible()
    assert page.locator("a[download]").count() == 0
    mine = visit("11-failed", person="admin", query="?tab=artifacts&of=integration")
    expect(mine.get_by_role("link", name="Download all")).to_be_visible()


def test_a_failed_test_shows_its_trace(visit: Open):
    """With the keyboard alone; what is new is marked."""
    page = visit("11-failed")
    page.get_by_role("link", name="Tests").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 newly failed, 1 fixed since")).to_be_visible()
    first = page.locator("summary").first
    expect(first).to_contain_text("new")
    first.focus()
    page.keyboard.press("Enter")
    trace = page.get_by_text("AssertionError: assert 1 == 2 <script>").first
    expect(trace).to_be_visible()


def test_who_has_deployed_is_two_clicks_away(visit: Open):
    """And who did before."""
    page = visit("11-failed")
    page.get_by_role("link", name="Environments").click()
    staging = page.get_by_role("region", name="Environment staging")
    expect(staging).to_contain_text("by ada")
    page.get_by_text("History").click()
    expect(page.get_by_role("cell", name="grace")).to_be_visible()
    assert staging.evaluate("box => box.scrollWidth <= box.clientWidth"), "the history fits its box"


def test_no_value_of_a_secret_reaches_the_browser(visit: Open):
    """Not even hidden in the page."""
    page = visit("11-failed", person="admin", query="?tab=variables")
    expect(page.get_by_text("API_TOKEN")).to_be_visible()
    assert "not-for-the-page" not in page.content()


def test_two_tries_are_seen_side_by_side(visit: Open):
    """Each with how it ended."""
    page = visit("11-failed", query="?job=lint")
    page.get_by_label("side by side").check()
    expect(page.locator(".glp-log")).to_have_count(2)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_part_has_a_serious_barrier(visit: Open, axe: Path, theme: str):
    """By axe, in both themes: all parts, a file, and jobs with one try and two."""
    page = visit("11-failed", theme=theme)
    found: dict[str, list[str]] = {}
    for part in PARTS:
        go(page, part)
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        if kept := barriers(page, axe):
            found[part] = kept
    assert found == {}


@pytest.mark.parametrize(("screen", "panel"), [(390, "auto"), (1500, "340px")])
def test_parts_fit_narrow_screens_and_panels(visit: Open, screen: int, panel: str):
    """Nothing but tables and logs scrolls sideways, and these by themselves.

    Airflow shows the page in a panel, which people make narrow on wide screens.
    """
    page = visit("11-failed")
    page.set_viewport_size({"width": screen, "height": 800})
    for part in ("", *PARTS):
        go(page, part)
        page.evaluate(f"document.querySelector('.glp-page').style.width = '{panel}'")
        assert page.evaluate(TOO_WIDE) == [], part
