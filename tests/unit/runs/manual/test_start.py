"""What a manual or delayed job does when its turn comes."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from gitlab_ci_provider.model.rules import AllowFailure, When
from gitlab_ci_provider.model.run import JobResult, JobStatus, Play
from gitlab_ci_provider.runs.manual import offers
from gitlab_ci_provider.runs.manual import start as manual_start
from gitlab_ci_provider.schedule.decide import Start, Verdict
from unit.runs.manual.test_offers import JOB, FakeStore, FakeTask, clear

MANUAL = Verdict(start=Start.MANUAL, reason="")
DELAY = Verdict(start=Start.DELAY, reason="")


class FakeOperator:
    log = logging.getLogger("test")
    dag = SimpleNamespace(task_dict={"compile": None, "deploy": None})

    def defer(self, *, trigger: Any, method_name: str) -> None:
        raise TaskDeferred(trigger=trigger, method_name=method_name)


@pytest.fixture
def context() -> Any:
    return {"ti": FakeTask(), "task_state_store": FakeStore()}


def test_an_optional_job_is_passed_over_until_it_is_cleared(context: Any):
    """The first time it is offered; after a clear it starts, and another try starts, too."""
    assert manual_start.wait(FakeOperator(), context, JOB, MANUAL) is None

    clear(context)

    assert manual_start.wait(FakeOperator(), context, JOB, MANUAL) == JOB
    assert manual_start.wait(FakeOperator(), context, JOB, MANUAL) == JOB


def test_a_delay_is_a_moment(context: Any):
    """What is kept for the triggerer is the time, not a duration that restarts with it."""
    job = replace(JOB, decision=replace(JOB.decision, when=When.DELAYED, start_in=7 * 86400))

    with pytest.raises(TaskDeferred) as deferred:
        manual_start.wait(FakeOperator(), context, job, DELAY)

    _, kept = deferred.value.trigger.serialize()
    assert kept["moment"] - datetime.now(UTC) > timedelta(days=6, hours=23)
    assert deferred.value.method_name == "go_off"


def test_a_delayed_job_that_is_cleared_starts_now(context: Any):
    """Clearing it is GitLab's "Start now"."""
    with pytest.raises(TaskDeferred):
        manual_start.wait(FakeOperator(), context, JOB, DELAY)

    clear(context)

    assert manual_start.wait(FakeOperator(), context, JOB, DELAY) == JOB


def test_another_try_starts_with_what_was_given(context: Any):
    """A retry of a blocking job does not ask again."""
    blocking = replace(JOB, decision=replace(JOB.decision, allow_failure=AllowFailure()))
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
        manual_start.wait_for_jobs(FakeOperator(), JOB)
    assert deferred.value.method_name == "begin"

    ended = {"compile": JobResult(status=JobStatus.SUCCESS)}
    manual_start.wait_for_jobs(FakeOperator(), replace(JOB, ended=ended))


def test_nobody_waits_for_a_job_without_a_task():
    """It would never end; whoever reads the run's jobs says what is wrong."""
    operator = FakeOperator()
    operator.dag = SimpleNamespace(task_dict={"deploy": None})

    manual_start.wait_for_jobs(operator, JOB)
