"""The documentation's pictures of the pipeline page and the list of projects."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from gitlab_ci_provider.model.run_address import page_path
from servers.pages import friendly
from servers.pages.browsing import PATIENT
from servers.pages.story import Story

WIDE, NARROW = (1500, 900), (400, 860)
THEMES = ("light", "dark")


def _run(made: Callable[[], Story]) -> str:
    story = made()
    return page_path(story.dag, story.run)


UNDER_WAY, FAILED = _run(friendly.under_way), _run(friendly.failed)
PROJECTS = "plugin/pipelines"


def _nothing(_: Page) -> None:
    """Show the page as it opens."""


def _parallel(page: Page) -> None:
    """Unfold a parallel job."""
    page.get_by_role("button", name="unit").click()
    expect(page.get_by_role("region", name="Downstream pipelines")).to_be_visible()


def _chain(page: Page) -> None:
    """Point at a job to see its needs."""
    page.get_by_role("link", name="staging").hover()
    expect(page.locator(".glp-lit")).not_to_have_count(0)


def _log(page: Page) -> None:
    expect(page.get_by_role("log")).to_contain_text("2 failed, 38 passed")


def _tries(page: Page) -> None:
    page.get_by_label("side by side").check()
    expect(page.locator(".glp-log")).to_have_count(2)
    expect(page.get_by_role("log").first).to_contain_text("pylint")


def _compared(page: Page) -> None:
    """Open what a report begins with."""
    expect(page.get_by_text("since pipeline")).to_be_visible()
    page.evaluate("document.querySelector('.glp-page details')?.setAttribute('open', '')")


def _history(page: Page) -> None:
    page.get_by_text("History").first.click()


def _form(page: Page) -> None:
    page.get_by_role("button", name="Play production").click()
    expect(page.get_by_role("dialog")).to_contain_text("target")


def _new(page: Page) -> None:
    handbook = page.get_by_role("listitem", name="acme/handbook")
    handbook.get_by_role("button", name="Run pipeline").click()
    expect(page.get_by_label("Run for branch")).to_be_visible()


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: where it is taken, what is done there before, and how large the window is."""

    name: str
    place: str
    prepare: Callable[[Page], None] = _nothing
    size: tuple[int, int] = WIDE


PICTURES = (
    Picture("pipeline", UNDER_WAY, _parallel),
    Picture("pipeline-failed", FAILED),
    Picture("pipeline-needs", f"{UNDER_WAY}?view=needs", _chain),
    Picture("pipeline-job", f"{FAILED}?job=unit_3.12", _log),
    Picture("pipeline-tries", f"{FAILED}?job=lint", _tries),
    Picture("pipeline-play", UNDER_WAY, _form),
    Picture("pipeline-narrow", UNDER_WAY, size=NARROW),
    Picture("pipeline-tests", f"{FAILED}?tab=tests", _compared),
    Picture("pipeline-quality", f"{FAILED}?tab=quality", _compared),
    Picture("pipeline-artifacts", f"{FAILED}?tab=artifacts"),
    Picture("pipeline-archive", f"{FAILED}?tab=artifacts&of=assets&folder=dist/"),
    Picture("pipeline-environments", f"{FAILED}?tab=environments", _history),
    Picture("pipeline-variables", f"{FAILED}?tab=variables"),
    Picture("projects", PROJECTS),
    Picture("projects-narrow", PROJECTS, size=NARROW),
    Picture("projects-run", PROJECTS, _new),
)


def take(browser: Browser, url: str, token: str, theme: str, folder: Path, settle: float) -> None:
    """Take all pictures in a theme, as somebody who is logged in.

    Args:
        browser: that takes them.
        url: of an Airflow that has the friendly runs.
        token: of the login.
        theme: `light` or `dark`.
        folder: gets the files.
        settle: milliseconds for Airflow's own parts of the page.
    """
    context = browser.new_context()
    context.add_cookies([{"name": "_token", "value": token, "url": url}])
    context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    page = context.new_page()
    page.set_default_timeout(PATIENT)
    expect.set_options(timeout=PATIENT)
    for picture in PICTURES:
        page.set_viewport_size({"width": picture.size[0], "height": picture.size[1]})
        page.goto(f"{url}/{picture.place}")
        page.locator(".glp-page:not([aria-busy=true])").wait_for()
        expect(page.get_by_role("status").filter(has_text="Reading")).to_have_count(0)
        picture.prepare(page)
        page.wait_for_timeout(settle)
        shoot(page, folder / file_name(picture.name, theme))
    context.close()


def file_name(name: str, theme: str) -> str:
    """Name the file of a picture in a theme."""
    return f"{name}.webp" if theme == "light" else f"{name}-{theme}.webp"


def shoot(page: Page, file: Path) -> None:
    """Save what a page shows, as WebP: a third of a PNG."""
    session = page.context.new_cdp_session(page)
    asked = {"format": "webp", "quality": 90}
    file.write_bytes(b64decode(session.send("Page.captureScreenshot", asked)["data"]))
    session.detach()
