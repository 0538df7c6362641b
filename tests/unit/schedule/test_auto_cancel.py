"""What newer pipelines and failed jobs cancel; the rules of GitLab's own specs of its services."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factories import make_run
from gitlab_ci_provider.model.rules import AutoCancel, JobDecision
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.schedule.auto_cancel import canceled_by_commit, is_redundant, settle

OLDER = make_run(
    id=1,
    decisions={
        "lint": JobDecision(job="lint", present=True, interruptible=True),
        "test": JobDecision(job="test", present=True, interruptible=True),
        "deploy": JobDecision(job="deploy", present=True, interruptible=False),
        "absent": JobDecision(job="absent", present=False, interruptible=True),
    },
)
NEWER = replace(OLDER, id=2, ref=replace(OLDER.ref, sha="b" * 40))
UNDER_WAY = {"lint": "success", "test": "running", "deploy": None, "absent": "skipped"}


def mode(on_new_commit: str | None) -> PipelineRun:
    return replace(OLDER, auto_cancel=AutoCancel(on_new_commit=on_new_commit))


def test_an_older_pipeline_of_the_ref_is_redundant():
    """Also one of the same second: the ids tell the order."""
    assert is_redundant(OLDER, NEWER)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (replace(OLDER, id=3), NEWER),
        (OLDER, replace(NEWER, ref=OLDER.ref)),
        (OLDER, replace(NEWER, created_at="2026-01-08T12:00:01+00:00")),
        (replace(OLDER, source="webide"), NEWER),
        (OLDER, replace(NEWER, source="parent_pipeline")),
    ],
    ids=["newer", "same commit", "older than a week", "web IDE", "a child is new"],
)
def test_others_are_not(older: PipelineRun, newer: PipelineRun):
    """Newer ones, those of the same commit, of more than 7 days ago; children cancel nothing."""
    assert not is_redundant(older, newer)


@pytest.mark.parametrize("given", [None, "conservative"])
def test_conservative_cancels_all_while_only_interruptible_jobs_have_started(given: str | None):
    """Jobs that have not started are canceled whether they are interruptible or not."""
    assert canceled_by_commit(mode(given), UNDER_WAY) == ("test", "deploy")


@pytest.mark.parametrize("state", ["running", "success", "failed", "up_for_retry"])
def test_a_started_job_that_is_not_interruptible_protects_its_pipeline(state: str):
    """`conservative` then cancels nothing, also when that job has ended."""
    assert canceled_by_commit(OLDER, {**UNDER_WAY, "deploy": state}) == ()


@pytest.mark.parametrize("state", [None, "scheduled", "queued", "deferred"])
def test_a_job_that_has_not_started_protects_nothing(state: str | None):
    """Waiting for a runner, a person or a resource is not started."""
    assert canceled_by_commit(OLDER, {**UNDER_WAY, "deploy": state}) == ("test", "deploy")


def test_manual_jobs_that_wait_for_a_person_are_left_alone():
    """And so is a pipeline in which nothing else happens: its status is `manual`."""
    waiting = {"lint": "success", "test": "awaiting_input", "deploy": None}

    assert canceled_by_commit(OLDER, waiting) == ()
    assert canceled_by_commit(OLDER, {**waiting, "lint": "running"}) == ("lint", "deploy")


def test_trigger_jobs_protect_nothing():
    """`conservative` looks at started builds, not at bridges; those are canceled all the same."""
    states = {**UNDER_WAY, "deploy": "running"}

    assert canceled_by_commit(OLDER, states, bridges=["deploy"]) == ("test", "deploy")


@pytest.mark.parametrize("state", ["success", "running", None])
def test_interruptible_cancels_only_such_jobs(state: str | None):
    """Whatever else has started."""
    states = {**UNDER_WAY, "deploy": state}

    assert canceled_by_commit(mode("interruptible"), states) == ("test",)


@pytest.mark.parametrize("given", ["none", "disabled"])
def test_none_cancels_nothing(given: str):
    """`disabled` is an old word for `none`."""
    assert canceled_by_commit(mode(given), UNDER_WAY) == ()


def test_a_rules_auto_cancel_wins_by_key():
    """A key that the matching rule does not name keeps the value of `workflow:auto_cancel`."""
    workflow = AutoCancel(on_new_commit="interruptible", on_job_failure="all")

    settled = settle(workflow, AutoCancel(on_new_commit="none"))

    assert settled == AutoCancel(on_new_commit="none", on_job_failure="all")
    assert settle(None, None) == AutoCancel(on_new_commit="conservative", on_job_failure="none")
