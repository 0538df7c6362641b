"""What lists say of a pipeline in a line."""

from __future__ import annotations

from typing import Any

import pytest

from factories import make_run, make_run_row
from gitlab_ci_provider.model.about import about
from gitlab_ci_provider.plugins.page.brief import BriefView, brief_view
from gitlab_ci_provider.runs.record import plain


def shown(state: str, states: tuple[str, ...] = (), note: str = "", **left: Any) -> BriefView:
    """Show a run; `create_pipeline` and `finish_pipeline` have left what is given."""
    run = make_run_row(state, user="ada", note=note)
    tasks = {
        key: "finish_pipeline" if key == "pipeline_result" else "create_pipeline" for key in left
    }
    return brief_view(run, {key: {tasks[key]: value} for key, value in left.items()}, states)


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (("success", "running"), "running"),
        (("success", "awaiting_input"), "blocked"),
        (("awaiting_input", "queued"), "running"),
    ],
)
def test_a_pipeline_under_way_has_the_status_of_its_page(states: tuple[str, ...], status: str):
    """It is blocked only when nothing else goes on."""
    assert shown("running", states).status == status


def test_a_pipeline_that_has_ended_has_what_finish_pipeline_said():
    """Passed with warnings is not only passed."""
    end = {"status": "passed", "warnings": ["lint"], "text": "passed with warnings: lint"}
    assert (shown("success", pipeline_result=end).status, shown("success").status) == (
        "warning",
        "success",
    )


def test_a_pipeline_is_described_by_what_create_pipeline_left():
    """Another version may have left something else."""
    record = make_run(user="grace")
    view = shown("running", about=plain(about(record)))
    assert view.about is not None
    assert (view.about.ref, view.about.sha, view.user) == (record.ref.name, record.ref.sha, "grace")
    assert shown("running", about={"id": "x"}).about is None


def test_a_pipeline_that_could_not_be_created_says_why():
    """There is nothing else to say of it."""
    view = shown("failed", problem="the ref 'x' does not exist")
    assert (view.about, view.text, view.user) == (None, "the ref 'x' does not exist", "ada")


def test_a_pipeline_that_was_canceled_after_a_retry_is_canceled():
    """What `finish_pipeline` said the time before is there until it begins anew."""
    end = {"status": "failed", "text": "failed: unit"}
    failed = shown("failed", ("failed",), pipeline_result=end)
    stopped = shown("failed", ("skipped",), pipeline_result=end, note="Pipeline canceled by hand")
    assert (failed.status, failed.text) == ("failed", "failed: unit")
    assert (stopped.status, stopped.text) == ("canceled", "Pipeline canceled by hand")
