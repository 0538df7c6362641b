"""What the pipeline page says of each job of a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from factories import compile_text, make_context
from gitlab_ci_provider.airflow_internals.run_rows import TaskRow
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.plugins.page.jobs import RunJobs, safe_url, stage_views
from gitlab_ci_provider.plugins.page.view import JobView, PlaceView
from gitlab_ci_provider.rules.evaluate import decide_pipeline

PIPELINE = compile_text("""
build: {script: 'true'}
lint: {script: 'true', allow_failure: true}
later: {script: 'true', when: delayed, start_in: 1 hour}
out: {script: 'true', rules: [{when: never}]}
child: {trigger: {project: group/other}}
""")
DECISIONS = decide_pipeline(PIPELINE, make_context()).jobs
SINCE = datetime(2026, 1, 1, 12, tzinfo=UTC)
TASK = TaskRow(task_id="", state=None, tries=1, started=SINCE, ended=SINCE, duration=3.0)


def shown(
    name: str, state: str | None, decisions: dict[str, JobDecision] | None = None, **xcoms: Any
) -> JobView:
    """Show a job whose task has this state and has left these XComs."""
    run = RunJobs(
        pipeline=PIPELINE,
        decisions=DECISIONS if decisions is None else decisions,
        tasks={name: replace(TASK, task_id=name, state=state)},
        xcoms={key: {name: value} for key, value in xcoms.items()},
    )
    return next(job for stage in stage_views(run) for job in stage.jobs if job.name == name)


@pytest.mark.parametrize(
    ("name", "state", "status"),
    [
        ("build", None, "created"),
        ("build", "queued", "pending"),
        ("build", "running", "running"),
        ("build", "up_for_retry", "pending"),
        ("build", "success", "success"),
        ("later", "deferred", "scheduled"),
        ("child", "deferred", "running"),
        ("build", "awaiting_input", "manual"),
        ("out", "skipped", "absent"),
        ("build", "failed", "canceled"),
    ],
)
def test_the_status_of_a_job_is_gitlabs(name: str, state: str | None, status: str):
    """A failed task that has not said why was ended by a person."""
    assert shown(name, state).status == status


def test_a_job_that_failed_says_why():
    """GitLab's reason in words, and the exit code."""
    told = {"status": "failed", "failure_reason": "script_failure", "exit_code": 3}
    job = shown("build", "failed", job_result=told)
    assert (job.status, job.failure, job.exit_code) == ("failed", "script failure", 3)


def test_a_failure_that_is_allowed_has_a_status_of_its_own():
    """The pipeline passes with warnings."""
    told = {"status": "failed", "failure_reason": "script_failure", "exit_code": 1}
    assert shown("lint", "failed", job_result=told).status == "warning"


def test_a_deferred_job_whose_pod_is_followed_runs():
    """Airflow says `deferred` for that, too."""
    assert shown("later", "deferred", followed={"pod": "p"}).status == "running"


def test_a_delayed_job_says_when_it_starts():
    """The page counts down."""
    assert shown("later", "deferred").due == "2026-01-01T13:00:00+00:00"


def test_a_job_says_where_it_is_written():
    """File and line; whether the page can link to the commit's own file."""
    job = shown("lint", None)
    assert job.written == PlaceView(file=".gitlab-ci.yml", line=3)


def test_the_rule_that_decided_says_where_it_is_written():
    """And none is named for a job without rules."""
    assert shown("out", "skipped").rule == PlaceView(file=".gitlab-ci.yml", line=5)
    assert shown("build", "success").rule is None


def test_a_job_that_did_not_run_has_no_times():
    """Its task has: Airflow stamps what it skips."""
    job = shown("out", "skipped")
    assert (job.started, job.duration, job.tries) == ("", None, 0)


def test_jobs_are_shown_before_the_pipeline_is_created():
    """No decisions yet; the states of tasks are all there is."""
    assert shown("build", None, {}).status == "created"
    assert shown("build", "failed", {}).status == "failed"


def test_a_result_of_another_version_does_no_harm():
    """Nothing that a task has left can break the page."""
    assert shown("build", "success", job_result={"status": "new"}).status == "success"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil", ""])
def test_only_web_pages_are_linked(url: str):
    """Addresses come from pipelines."""
    assert safe_url(url) == ""
    left = {"status": "success", "environment": {"name": "e", "slug": "e", "tier": "t", "url": url}}
    assert shown("build", "success", job_result=left).environment_url == ""
