"""What a manual or delayed job does when its turn comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from gitlab_ci_provider.model.rules import AllowFailure, When
from gitlab_ci_provider.model.run import JobResult, JobStatus, Play
from gitlab_ci_provider.runs.manual import offers
from gitlab_ci_provider.runs.manual import start as manual_start
from gitlab_ci_provider.schedule.decide import Start, Verdict
from unit.runs.support import DEPLOY, FakeOperator, clear, make_task_context

MANUAL = Verdict(start=Start.MANUAL, reason="")
DELAY = Verdict(start=Start.DELAY, reason="")


@pytest.fixture
def context() -> Any:
    return make_task_context()


def test_an_optional_job_is_passed_over_until_it_is_cleared(context: Any):
    """The first time it is offered; after a clear it starts, and another try starts, too."""
    assert manual_start.wait(FakeOperator(), context, DEPLOY, MANUAL) is None

    clear(context)

    assert manual_start.wait(FakeOperator(), context, DEPLOY, MANUAL) == DEPLOY
    assert manual_start.wait(FakeOperator(), context, DEPLOY, MANUAL) == DEPLOY


def test_a_delay_is_a_moment(context: Any):
    """What is kept for the triggerer is the time, not a duration that restarts with it."""
    job = replace(DEPLOY, decision=replace(DEPLOY.decision, when=When.DELAYED, start_in=7 * 86400))

    with pytest.raises(TaskDeferred) as deferred:
        manual_start.wait(FakeOperator(), context, job, DELAY)

    _, kept = deferred.value.trigger.serialize()
    assert kept["moment"] - datetime.now(UTC) > timedelta(days=6, hours=23)
    assert deferred.value.method_name == "go_off"


def test_a_delayed_job_that_is_cleared_starts_now(context: Any):
    """Clearing it is GitLab's "Start now"."""
    with pytest.raises(TaskDeferred):
        manual_start.wait(FakeOperator(), context, DEPLOY, DELAY)

    clear(context)

    assert manual_start.wait(FakeOperator(), context, DEPLOY, DELAY) == DEPLOY


def test_another_try_starts_with_what_was_given(context: Any):
    """A retry of a blocking job does not ask again."""
    blocking = replace(DEPLOY, decision=replace(DEPLOY.decision, allow_failure=AllowFailure()))
    play = Play(user_id="7", user_name="ada")
    offers.keep_play(context, blocking, play)

    again = manual_start.wait(
        FakeOperator(), context, blocking, Verdict(start=Start.BLOCK, reason="")
    )

    assert again is not None
    assert again.play == play


def test_a_job_waits_for_others_that_the_dag_did_not_make_it_wait_for():
    """It gives its worker back and looks again, until all that decide about it have ended."""
    with pytest.raises(TaskDeferred) as deferred:
        manual_start.wait_for_jobs(FakeOperator(), DEPLOY)
    assert deferred.value.method_name == "begin"

    ended = {"compile": JobResult(status=JobStatus.SUCCESS)}
    manual_start.wait_for_jobs(FakeOperator(), replace(DEPLOY, ended=ended))


def test_nobody_waits_for_a_job_without_a_task():
    """It would never end; whoever reads the run's jobs says what is wrong."""
    manual_start.wait_for_jobs(FakeOperator("deploy"), DEPLOY)
