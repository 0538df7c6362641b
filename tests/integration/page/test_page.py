"""The pipeline page in a browser, inside Airflow's UI, as its readers see and use it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from servers.pages.browsing import Open, barriers
from servers.pages.pages import Pages

pytestmark = pytest.mark.integration


def test_a_run_shows_its_stages_and_jobs(visit: Open):
    """What a GitLab user looks for first; text that pipelines write is never run."""
    page = visit("12-under-way")
    assert page.get_by_role("heading", name="Release of the shop").is_visible()
    assert page.locator(".glp-stage h3 .glp-name").all_text_contents() == [
        "build",
        "test",
        "deploy",
    ]
    assert page.get_by_text("<img src=x onerror=alert(1)>").is_visible()
    assert page.get_by_test_id("pipeline-status").text_content() == "Running"

    page.get_by_role("button", name="unit").click()
    assert page.get_by_role("link", name="unit: [3.12]").is_visible()


def test_the_tab_of_a_run_leads_to_the_page_on_its_own_and_back(visit: Open):
    """Both show the same; only Airflow's frame differs."""
    page = visit("11-failed")
    page.get_by_role("link", name="run in Airflow").click()
    page.locator("a[href$='/plugin/pipeline']").click()
    expect(page).to_have_url(re.compile("/dags/group__shop/runs/11-failed/plugin/pipeline$"))
    page.get_by_role("link", name="Tests").click()
    expect(page.get_by_text("1 newly failed, 1 fixed since")).to_be_visible()
    page.get_by_role("link", name="open on its own").click()
    expect(page).to_have_url(re.compile(r"/plugin/pipelines/group__shop/11-failed\?tab=tests$"))
    expect(page.get_by_text("1 newly failed, 1 fixed since")).to_be_visible()


def test_a_pipeline_that_passed_with_warnings_has_its_own_colour(visit: Open):
    """Airflow shows it as green as any other."""
    colours = {
        run: visit(run)
        .get_by_test_id("pipeline-status")
        .evaluate("element => getComputedStyle(element).color")
        for run in ("10-warned", "11-failed", "12-under-way")
    }
    assert len(set(colours.values())) == 3


def test_hover_and_focus_say_why_a_job_was_skipped_or_left_out(visit: Open):
    """With a mouse or with the keyboard alone; Escape closes it."""
    page = visit("11-failed")
    page.get_by_role("link", name="staging").hover()
    expect(page.get_by_role("tooltip")).to_contain_text("failed")

    page.get_by_label("show 1 job that rules leave out").check()
    page.get_by_role("link", name="secret-scan").focus()
    expect(page.get_by_role("tooltip")).to_contain_text("no rule matches")
    page.keyboard.press("Escape")
    expect(page.get_by_role("tooltip")).to_have_count(0)


def test_jobs_are_filtered_by_name_and_status(visit: Open):
    """Five hundred jobs are too many to read."""
    page = visit("11-failed")
    page.get_by_role("button", name="1 failed", exact=True).click()
    assert page.locator(".glp-stage").get_by_role("link", name="unit: [3.12]").is_visible()
    assert page.locator(".glp-stage").count() == 1
    page.get_by_label("Filter jobs by name").fill("compile")
    assert page.get_by_text("No job matches this filter.").is_visible()


def test_the_needs_view_shows_what_waits_for_what(visit: Open):
    """Its address can be sent; a parallel job is one entry; a filter does not move anything."""
    page = visit("12-under-way")
    page.get_by_role("button", name="Needs").click()
    jobs = page.get_by_role("list", name="Jobs, each after those that it needs")
    expect(jobs.get_by_role("listitem").filter(has_text="integration")).to_contain_text(
        "needs compile"
    )
    jobs.get_by_role("button", name="unit").click()
    expect(jobs.get_by_role("link", name="unit: [3.12]")).to_be_visible()

    page.get_by_role("link", name="staging").hover()
    expect(page.locator(".glp-edges .glp-lit")).not_to_have_count(0)
    again = visit("12-under-way", query=f"?{urlsplit(page.url).query}")
    expect(again.get_by_role("button", name="Needs")).to_have_attribute("aria-pressed", "true")


def test_a_downstream_pipeline_unfolds_and_leads_back(visit: Open):
    """With its stages, right of those that have created it."""
    page = visit("12-under-way")
    below = page.get_by_role("region", name="Downstream pipelines")
    expect(below).to_contain_text("group/docs #50")
    below.get_by_role("button", name="Show jobs").click()
    page.get_by_role("region", name="Jobs of group/docs #50").get_by_role(
        "link", name="links"
    ).click()
    expect(page).to_have_url(re.compile(r"/plugin/pipelines/group__docs/3\?job=links$"))
    page.get_by_role("link", name="All jobs").click()
    above = page.get_by_role("region", name="Upstream pipeline")
    above.get_by_role("link", name="group/shop #40").click()
    expect(page.get_by_test_id("pipeline-status")).to_have_text("Running")
    expect(page.get_by_role("link", name="integration")).to_be_visible()


def test_five_hundred_jobs_cost_one_request(pages: Pages, visit: Open):
    """Neither a request for each job nor one for each stage."""
    page = visit("1", dag="group__big")
    expect(page.locator(".glp-chip")).to_have_count(500)
    script = "performance.getEntriesByType('resource').map(entry => entry.name)"
    asked = [url for url in page.evaluate(script) if "/gitlab-ci/dags/" in url]
    assert set(asked) == {f"{pages.url}/gitlab-ci/dags/group__big/runs/1"}


def test_a_reader_without_access_is_told_so(visit: Open):
    """A sentence, not an empty page."""
    page = visit("1", dag="group__secret", person="stranger")
    assert page.get_by_role("alert").filter(has_text="You may not see").is_visible()


@pytest.mark.parametrize("query", ["", "?view=needs"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_serious_barrier(visit: Open, axe: Path, theme: str, query: str):
    """By axe: contrast, names, roles, order; in both themes and views."""
    page = visit("12-under-way", theme=theme, query=query)
    page.get_by_role("button", name="Show jobs").click()
    expect(page.get_by_role("link", name="publish")).to_be_visible()
    assert barriers(page, axe) == []
