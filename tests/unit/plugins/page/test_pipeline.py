"""What the pipeline page says of a run as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from factories import make_run, make_run_row
from gitlab_ci_provider.model.bridge import Ancestor, Upstream
from gitlab_ci_provider.plugins.page.pipeline import pipeline_view
from gitlab_ci_provider.plugins.page.view import JobView, PipelineView, StageView


def shown(state: str, *jobs: JobView, note: str = "", **end: Any) -> PipelineView:
    """Show a run of one stage."""
    run = make_run_row(state, note=note)
    return pipeline_view(run, make_run(), end, (StageView(name="test", jobs=jobs),))


def job(status: str, *, blocking: bool = False) -> JobView:
    """Make a job."""
    return JobView(name="a", task="a", group="a", status=status, blocking=blocking)


@pytest.mark.parametrize(
    ("state", "end", "status"),
    [
        ("success", {"status": "passed"}, "success"),
        ("success", {"status": "passed", "warnings": ["lint"]}, "warning"),
        ("success", {"status": "skipped"}, "skipped"),
        ("failed", {"status": "failed"}, "failed"),
        ("failed", {"status": "canceled"}, "canceled"),
        ("failed", {}, "failed"),
        ("queued", {}, "pending"),
        ("running", {"status": "failed"}, "running"),
    ],
)
def test_the_status_of_a_run_is_gitlabs(state: str, end: dict[str, Any], status: str):
    """Airflow's states are fewer; what an earlier end said does not count while the run goes on."""
    assert shown(state, **end).status == status


def test_a_run_that_a_person_has_ended_is_canceled():
    """`finish_pipeline` was not asked: what it said before is not the end."""
    assert shown("failed", note="Pipeline canceled by hand", status="passed").status == "canceled"


def test_a_pipeline_is_blocked_only_when_nothing_else_goes_on():
    """As on GitLab's page: a person has to act, and nothing happens before."""
    waits = job("manual", blocking=True)
    assert shown("running", waits, job("success")).status == "blocked"
    assert shown("running", waits, job("running")).status == "running"


def test_links_lead_to_gitlabs_pages():
    """Commit and ref, on the project's own server."""
    ref = shown("running").ref
    assert ref.commit_url == f"https://gitlab.example.com/group/project/-/commit/{'a' * 40}"
    assert ref.ref_url == "https://gitlab.example.com/group/project/-/commits/main"


def test_a_downstream_pipeline_links_to_the_one_above():
    """Names of DAGs and runs may have any characters."""
    above = Ancestor(project="p", ref="main", source="push", pipeline=1, dag="d", run="a/b c")
    record = make_run(upstream=Upstream(job="j", task="j", ancestors=(above,)))
    run = make_run_row("running")
    assert pipeline_view(run, record, {}, ()).upstream == "plugin/pipelines/d/a%2Fb%20c"
