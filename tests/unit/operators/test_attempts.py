"""Counting how a job has ended: failures and interruptions apart, anew for each pipeline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from gitlab_ci_provider.exceptions import INTERRUPTED, SystemFailure
from gitlab_ci_provider.model.job import Retry
from gitlab_ci_provider.operators import attempts
from gitlab_ci_provider.operators.job import GitlabJobOperator
from unit.operators.test_waiting import JOB, RUN, FakeStore, FakeTask


class TellingTask(FakeTask):
    def xcom_push(self, *, key: str, value: Any) -> None:
        self.told = (key, value)


@pytest.fixture
def context() -> Any:
    return {"ti": TellingTask(), "task_state_store": FakeStore()}


def test_kinds_are_counted_apart(context: Any):
    """An interruption is no failure of the job."""
    ends = ("failed", "interrupted", "failed")

    assert [attempts.count(context, RUN, end) for end in ends] == [1, 1, 2]


def test_a_new_pipeline_counts_anew(context: Any):
    """Clearing `create_pipeline` makes a new pipeline, whose jobs have not failed yet."""
    attempts.count(context, RUN, "failed")

    assert attempts.count(context, replace(RUN, created_at="later"), "failed") == 1


@pytest.mark.parametrize(
    ("free", "retries", "again"),
    [
        (0, 0, [False]),
        (0, 1, [True, False]),
        (2, 0, [True, True, False]),
        (1, 1, [True, True, False]),
    ],
)
def test_interruptions_can_be_free(context: Any, free: int, retries: int, again: list[bool]):
    """`interrupted_retries` come before `retry`, which they do not use up."""
    operator = GitlabJobOperator(task_id="deploy", job="deploy")
    run = replace(
        JOB,
        job=replace(JOB.job, retry=Retry(max=retries)),
        settings=replace(JOB.settings, interrupted_retries=free),
    )
    seen = []
    for _ in again:
        with pytest.raises(AirflowException) as failed:
            operator._fail(context, run, SystemFailure("gone", reason=INTERRUPTED))
        seen.append(not isinstance(failed.value, AirflowFailException))

    assert seen == again
    assert context["ti"].told[1]["failure_reason"] == INTERRUPTED
