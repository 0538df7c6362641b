"""A job on the pipeline page: its log, and what people do with it, through Airflow's own API."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from servers.pages.browsing import Open, barriers
from servers.pages.pages import Pages

pytestmark = pytest.mark.integration


def because(page: Page) -> Locator:
    """Find the jobs that are said to have failed the pipeline."""
    return page.get_by_role("list", name="Because of these jobs")


def test_a_failed_job_says_why_and_shows_its_log(visit: Open, axe: Path):
    """A click from the run: the reason on top, the end of the script in sight."""
    page = visit("11-failed")
    because(page).get_by_role("link", name="unit: [3.12]").click()

    reason = "Script failure, exit code 1; 2 of 41 tests failed"
    expect(page.get_by_text(reason)).to_be_visible()
    log = page.get_by_role("log")
    expect(log).to_contain_text("test_hats failed")
    page.wait_for_function("document.querySelector('.glp-lines').scrollTop > 0")

    page.get_by_label("Search the log").fill("fetching")
    expect(page.get_by_text("1 of 1")).to_be_visible()
    expect(log.get_by_text("Fetching changes")).to_be_in_viewport()
    log.get_by_role("button", name="get_sources").click()
    expect(log).not_to_contain_text("Fetching changes")
    assert barriers(page, axe) == []


def test_a_log_is_downloaded_as_text(visit: Open, tmp_path: Path):
    """As the job has written it, without what Airflow's API says about each line."""
    page = visit("11-failed", query="?job=unit_3.12")
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download").click()
    begun.value.save_as(tmp_path / "log")
    assert begun.value.suggested_filename.startswith("unit")
    assert "\n$ make test\ntest_0 passed\n" in (tmp_path / "log").read_text()


def test_the_jobs_of_a_stage_are_at_hand(visit: Open):
    """From one to another without going back; the browser's *Back* goes to the one before."""
    page = visit("12-under-way", query="?job=compile")
    page.get_by_label("Jobs of this stage").select_option("styles")
    expect(page.get_by_role("article", name="Job styles")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("article", name="Job compile")).to_be_visible()


def test_a_line_of_a_log_has_an_address(visit: Open):
    """To send to a colleague: it opens at that line."""
    page = visit("12-under-way", query="?job=compile")
    page.get_by_role("button", name="Link to line 4", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?job=compile&line=4$"))
    again = visit("12-under-way", query="?job=styles&line=150000")
    expect(again.get_by_text("line 149999 of many")).to_be_in_viewport()


def test_a_log_of_two_hundred_thousand_lines_has_few_rows_in_the_page(visit: Open):
    """Only what is in sight is drawn; all of it is searched."""
    page = visit("12-under-way", query="?job=styles")
    expect(page.get_by_text("line 3 of many", exact=True)).to_be_visible()
    assert page.locator(".glp-row").count() < 200
    page.get_by_label("Search the log").fill("line 199999 of")
    expect(page.get_by_text("line 199999 of many")).to_be_in_viewport()


def test_a_log_is_text(visit: Open):
    """Neither its HTML nor its terminal links do anything; its colours are shown."""
    page = visit("12-under-way", query="?job=compile")
    log = page.get_by_role("log")
    expect(log).to_contain_text("<script>alert(1)</script>")
    expect(log.get_by_text("Compiled")).to_have_css("font-weight", "700")
    assert log.locator("a").count() == 0


FETCH = """async ([method, path, body]) => {
  const headers = { "Content-Type": "application/json" };
  return (await fetch(path, { method, headers, body: JSON.stringify(body) })).status;
}"""
"""Sends a request as the page does, with the login of the browser; gives the status."""


def test_a_viewer_is_offered_no_buttons_and_airflow_refuses_the_requests(visit: Open):
    """The page hides what Airflow would refuse; Airflow is who decides."""
    page = visit("11-failed", query="?job=compile")
    assert page.get_by_role("button", name="Retry").count() == 0
    run = "/api/v2/dags/group__shop/dagRuns/11-failed"
    asked = {
        ("POST", "/api/v2/dags/group__shop/clearTaskInstances"): {
            "dag_run_id": "11-failed",
            "task_ids": ["compile"],
            "dry_run": False,
        },
        ("PATCH", run): {"state": "failed"},
        ("PATCH", f"{run}/taskInstances/compile"): {"new_state": "failed"},
        ("PATCH", f"{run}/taskInstances/approve/-1/hitlDetails"): {"chosen_options": ["Play"]},
        ("POST", "/api/v2/dags/group__shop/dagRuns"): {"logical_date": None},
    }
    answers = [page.evaluate(FETCH, [method, path, body]) for (method, path), body in asked.items()]
    assert answers == [403] * len(asked)


def tasks_without_state(pages: Pages, run: str) -> set[str]:
    """List the jobs of a run of the shop that were cleared."""
    with pages.client("admin") as client:
        place = f"/api/v2/dags/group__shop/dagRuns/{run}/taskInstances"
        tasks = client.get(place, params={"limit": 100}).json()["task_instances"]
    return {task["task_display_name"] for task in tasks if task["state"] is None}


def owners(pages: Pages, event: str) -> set[str]:
    """Ask the audit log who did something."""
    with pages.client("admin") as client:
        logs = client.get("/api/v2/eventLogs", params={"limit": 100}).json()["event_logs"]
    return {entry["owner"] for entry in logs if event in entry["event"].lower()}


def test_a_job_is_retried_with_what_was_skipped_because_of_it(pages: Pages, visit: Open):
    """As in GitLab: later jobs that ran stay as they are; the audit log says who did it."""
    page = visit("13-retried", person="stranger")
    because(page).get_by_role("link", name="unit: [3.12]").click()
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(page.get_by_test_id("pipeline-status")).to_have_text("Pending")

    cleared = tasks_without_state(pages, "13-retried")
    assert cleared == {"unit: [3.12]", "staging", "production", "finish_pipeline"}
    assert "stranger" in owners(pages, "clear")


def test_a_job_is_retried_with_all_later_jobs(pages: Pages, visit: Open):
    """Those that ran, too; but no other job of its stage."""
    page = visit("13-rerun", person="stranger", query="?job=compile")
    page.get_by_role("button", name="Retry with later jobs").click()
    expect(page.get_by_test_id("pipeline-status")).to_have_text("Pending")

    cleared = tasks_without_state(pages, "13-rerun")
    assert cleared > {"compile", "integration", "unit: [3.12]", "staging", "finish_pipeline"}
    assert not cleared & {"styles", "create_pipeline"}


def test_a_pipeline_is_canceled(pages: Pages, visit: Open):
    """By an ordinary user, whom Airflow's audit log names."""
    page = visit("13-canceled", person="stranger")
    page.get_by_role("button", name="Cancel pipeline").click()
    expect(page.get_by_role("button", name="Cancel pipeline")).to_have_count(0)

    with pages.client("viewer") as client:
        run = client.get("/api/v2/dags/group__shop/dagRuns/13-canceled").json()
    assert run["state"] == "failed"
    assert "stranger" in owners(pages, "patch_dag_run")


def test_a_manual_job_is_played_with_a_form(pages: Pages, visit: Open):
    """Confirmation, inputs and variables; with the keyboard alone."""
    page = visit("14-played", person="stranger", query="?job=approve")
    page.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Play approve")
    expect(dialog).to_contain_text("Really sell?")
    dialog.get_by_label("target").select_option("production")
    dialog.get_by_label("Variables").fill("nonsense")
    dialog.get_by_role("button", name="Play").click()
    expect(dialog.get_by_role("alert")).to_contain_text("is not NAME=value")
    dialog.get_by_label("Variables").fill("EXTRA=from me")
    dialog.get_by_role("button", name="Play").click()
    expect(dialog).to_have_count(0)

    with pages.client("stranger") as client:
        run = "/api/v2/dags/group__shop/dagRuns/14-played"
        answer = client.get(f"{run}/taskInstances/approve/-1/hitlDetails").json()
    assert answer["params_input"] == {"target": "production", "variables": {"EXTRA": "from me"}}
    assert answer["responded_by_user"]["name"] == "stranger"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_form_of_a_manual_job_has_no_serious_barrier(visit: Open, axe: Path, theme: str):
    """By axe, in both themes: everybody must be able to answer what a pipeline waits for."""
    page = visit("12-under-way", person="admin", query="?job=approve", theme=theme)
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("dialog", name="Play approve")).to_contain_text("Really sell?")
    assert barriers(page, axe) == []
