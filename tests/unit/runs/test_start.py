"""How the task of a job starts, or why it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferred

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.names import CREATE_PIPELINE
from gitlab_ci_provider.model.rules import AllowFailure, When
from gitlab_ci_provider.model.run import JobResult, JobStatus, Play
from gitlab_ci_provider.operators.bridge import GitlabBridgeOperator
from gitlab_ci_provider.operators.job import GitlabJobOperator
from gitlab_ci_provider.runs import start
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.manual import offers
from gitlab_ci_provider.runs.record import plain
from gitlab_ci_provider.runs.task_errors import TaskFailed
from gitlab_ci_provider.schedule.results import results
from unit.runs.support import (
    PIPELINE,
    RUN,
    FakeTask,
    clear,
    make_job_run,
    make_task_context,
)

AFTER_COMPILE = {"compile": JobResult(status=JobStatus.SUCCESS)}
OPTIONAL = AllowFailure(allowed=True)


def manual(allow_failure: AllowFailure = OPTIONAL, **changes: Any) -> JobRun:
    """Make a try of a manual job that is optional, once the job before it has passed."""
    return decided(when=When.MANUAL, allow_failure=allow_failure, **changes)


def decided(**changes: Any) -> JobRun:
    decision = replace(RUN.decisions["deploy"], **changes)
    return make_job_run(make_task_context(), decision=decision, ended=AFTER_COMPILE)


def test_an_optional_job_is_passed_over_until_it_is_cleared():
    """The first time it is offered; after a clear it starts, and another try starts, too."""
    run = manual()
    with pytest.raises(AirflowSkipException):
        start.begin(run)
    task: Any = run.context["ti"]
    assert task.pushed["job_result"]["status"] == JobStatus.MANUAL

    clear(run)

    assert start.begin(run) == run
    assert start.begin(run) == run


def test_a_delay_is_a_moment():
    """What is kept for the triggerer is the time, not a duration that restarts with it."""
    with pytest.raises(TaskDeferred) as deferred:
        start.begin(decided(when=When.DELAYED, start_in=7 * 86400))

    _, kept = deferred.value.trigger.serialize()
    assert kept["moment"] - datetime.now(UTC) > timedelta(days=6, hours=23)
    assert deferred.value.method_name == "resume_delayed"


def test_a_delayed_job_that_is_cleared_starts_now():
    """Clearing it is GitLab's "Start now"."""
    run = decided(when=When.DELAYED, start_in=60)
    with pytest.raises(TaskDeferred):
        start.begin(run)

    clear(run)

    assert start.begin(run) == run


def test_another_try_starts_with_what_was_given():
    """A retry of a blocking job does not ask again."""
    blocking = manual(allow_failure=AllowFailure())
    play = Play(user_id="7", user_name="ada")
    offers.keep_play(blocking, play)

    assert start.begin(blocking).play == play


def test_a_job_waits_for_others_that_the_dag_did_not_make_it_wait_for():
    """It gives its worker back and looks again, until all that decide about it have ended."""
    run = decided()

    with pytest.raises(TaskDeferred) as deferred:
        start.begin(replace(run, ended={}))

    assert deferred.value.method_name == "begin"
    assert start.begin(run) == run


def test_nobody_waits_for_a_job_without_a_task():
    """It would never end; the end of the pipeline says what is wrong."""
    run = replace(decided(), ended={}, tasks=frozenset(("deploy",)))

    assert start.begin(run) == run


class Lost(FakeTask):
    """The task of a job whose run has a record, but whose pipeline is lost."""

    try_number = 1

    def xcom_pull(self, *, task_ids: str, key: str) -> Any:
        """Return the record of `create_pipeline`."""
        return plain(RUN) if (task_ids, key) == (CREATE_PIPELINE, "pipeline") else None


def make_job(**given: Any) -> GitlabJobOperator:
    return GitlabJobOperator(task_id="deploy", job="deploy", **given)


def make_bridge(**given: Any) -> GitlabBridgeOperator:
    return GitlabBridgeOperator(task_id="deploy", job="deploy", **given)


@pytest.mark.parametrize("make", [make_job, make_bridge])
@pytest.mark.parametrize(
    ("answer", "error"), [(SourceError("gone"), TaskFailed), (OSError("full"), OSError)]
)
def test_an_error_while_a_job_loads_its_run_is_a_failure(
    make: Callable[[], Any],
    answer: Exception,
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
):
    """Every job says so, a bridge, too; otherwise it would count as canceled by hand."""

    def states(**_: Any) -> Any:
        raise answer

    context = {**make_task_context(), "ti": Lost()}
    monkeypatch.setattr(
        "airflow.sdk.execution_time.task_runner.RuntimeTaskInstance.get_task_states", states
    )

    with pytest.raises(error):
        make().begin(context)

    said = JobResult(status=JobStatus(context["ti"].pushed["job_result"]["status"]))
    found = results(
        PIPELINE, RUN.decisions, {"compile": "success", "deploy": "failed"}, lambda _: said
    )
    assert found["deploy"].status == JobStatus.FAILED
