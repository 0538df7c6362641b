"""The pages of real runs and projects, in a browser: followed, canceled, retried, played, run.

By a user without any administrator's rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.browser import chromium, open_as
from e2e.embedded import Stack, commit, make_repository
from e2e.people import Person
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state

PIPELINE = """
stages: [build, test, deploy]
compile: {stage: build, script: echo compiled it >made.txt, artifacts: {paths: [made.txt]}}
flaky:
  stage: test
  cache: {key: tries, paths: [again], when: always}
  script:
    - echo "try it"
    - test -f again || { touch again; exit 9; }
endless:
  stage: test
  allow_failure: true
  script: 'for number in $(seq 100000); do echo "line $number of many"; sleep 0.2; done'
after: {stage: deploy, script: echo deployed}
optional: {stage: deploy, when: manual, needs: [compile], script: echo played it}
"""


@pytest.fixture
def page(stack: Stack) -> Iterator[Page]:
    """A browser that an ordinary user is logged in with."""
    with chromium() as browser:
        yield open_as(browser, stack, "ann", "user")


@pytest.mark.embedded("its UI is the stack's own")
def test_a_person_follows_cancels_retries_and_plays(stack: Stack, page: Page, tmp_path: Path):
    """All that a run needs from a person, on one page, without Airflow's own views."""
    person = Person(stack, make_repository(tmp_path / "paged", {".gitlab-ci.yml": PIPELINE}))
    page.goto(stack.api.run_url(person.dag, person.run))
    job = page.locator(".glp-job")
    badge = job.locator("h3 .glp-badge")

    page.locator(".glp-job-running", has_text="endless").click()
    follow_and_leave(page)
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(badge).to_have_text("Canceled")

    page.get_by_role("link", name="All jobs").click()
    expect(page.get_by_test_id("pipeline-status")).to_have_text("Failed")
    page.locator(".glp-job-failed", has_text="flaky").click()
    expect(job).to_contain_text("Script failure, exit code 9")
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(badge).to_have_text("Passed")

    page.get_by_role("link", name="All jobs").click()
    expect(page.get_by_test_id("pipeline-status")).to_have_text("Passed with warnings")
    assert (person.status("after"), person.tries()["compile"]) == ("success", 1)

    page.locator(".glp-job-manual", has_text="optional").click()
    page.get_by_role("button", name="Play", exact=True).click()
    expect(badge).to_have_text("Passed")
    expect(page.get_by_role("log")).to_contain_text("played it")

    page.get_by_role("link", name="All jobs").click()
    page.locator(".glp-chip", has_text="compile").click()
    page.get_by_role("link", name="Browse").click()
    page.get_by_role("link", name="made.txt", exact=True).click()
    expect(page.locator("pre")).to_contain_text("compiled it")

    run_again_and_cancel(page, person.run)


def run_again_and_cancel(page: Page, run: str) -> None:
    """Start a new pipeline like this one, and cancel all of it."""
    page.get_by_role("button", name="Run again").click()
    expect(page).not_to_have_url(re.compile(f"/{re.escape(run)}$"))
    page.get_by_role("button", name="Cancel pipeline").click()
    expect(page.get_by_test_id("pipeline-status")).to_have_text("Canceled")


def follow_and_leave(page: Page) -> None:
    """See new lines come; scroll up, and the log stays there; follow again."""
    log, follow = page.get_by_role("log"), page.get_by_label("follow")
    expect(log.get_by_text("line 60 of many")).to_be_in_viewport()
    log.hover()
    page.mouse.wheel(0, -100_000)
    expect(follow).not_to_be_checked()
    expect(log.get_by_text("line 1 of many", exact=True)).to_be_in_viewport()
    height = "log => log.scrollHeight"
    before = log.evaluate(height)
    page.wait_for_function(
        "([log, before]) => log.scrollHeight > before", arg=[log.element_handle(), before]
    )
    expect(log.get_by_text("line 1 of many", exact=True)).to_be_in_viewport()
    follow.check()
    expect(log.get_by_text("line 1 of many", exact=True)).not_to_be_in_viewport()


LISTED = """
variables: {WHOM: {value: nobody, options: [nobody, everybody], description: To greet}}
build: {script: echo built}
greet: {script: echo "hello $WHOM", needs: [build]}
"""


@pytest.mark.embedded("its UI is the stack's own")
def test_a_person_syncs_a_project_and_runs_it_from_its_form(
    stack: Stack, page: Page, tmp_path: Path
):
    """From the list of projects to the log of a job, without a command line."""
    repository = make_repository(tmp_path / "listed", {".gitlab-ci.yml": "greet: {script: 'true'}"})
    record = stack.add(repository).record
    assert record is not None
    stack.wait_for_dag(record)
    commit(repository, {".gitlab-ci.yml": LISTED})
    page.goto(f"{stack.api.url}/plugin/pipelines")
    # The stack has the projects of other tests, too: more than a page of the list shows.
    page.get_by_label("Find a project").fill("local/listed")
    project = page.get_by_role("listitem", name="local/listed")
    project.get_by_role("button", name="Sync now").click()
    expect(project.get_by_role("status")).to_contain_text("Synced at")
    stack.wait_for_dag(stored_record(stack, record.dag_id))

    project.get_by_role("button", name="Run pipeline").click()
    form = page.get_by_role("dialog", name="Run pipeline of local/listed")
    form.get_by_label("WHOM").select_option("everybody")
    form.get_by_role("button", name="Run pipeline").click()
    expect(page.get_by_test_id("pipeline-status")).to_have_text("Passed")
    page.get_by_role("button", name="Needs").click()
    page.get_by_role("link", name="greet").click()
    expect(page.get_by_role("log")).to_contain_text("hello everybody")

    page.goto(f"{stack.api.url}/plugin/pipelines")
    page.get_by_label("Find a project").fill("local/listed")
    newest = project.get_by_role("list", name="Last pipelines").get_by_role("link").first
    expect(newest).to_contain_text("Passed")
    expect(newest).to_contain_text("main")


def stored_record(stack: Stack, dag: str) -> DagRecord:
    """Read what a DAG shows, as the sync has left it."""
    return open_state(Settings(home=stack.home.data)).snapshots.load_dag(dag)
