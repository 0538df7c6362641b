"""How a try of a job ends when its pod has gone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import JobFailure, StateError
from gitlab_ci_provider.model.run import BY_HAND, JobStatus
from gitlab_ci_provider.runs.job import execute
from gitlab_ci_provider.runs.job.end import Settled
from unit.runs.support import make_job_run, make_task_context


class GonePod:
    """The pod of a job that somebody has deleted."""

    def __init__(self, problem: Exception):
        self.problem = problem

    def run(self) -> None:
        """Notice that it is gone."""
        raise self.problem


def ended(monkeypatch: pytest.MonkeyPatch, problem: Exception, state: str) -> Settled:
    """Let a job end whose task has a state in Airflow, before Airflow has stopped its worker."""
    monkeypatch.setattr(execute, "still_runs", lambda _: state == "running")
    operator: Any = SimpleNamespace(_killed=False, execution_timeout=None)
    pod: Any = GonePod(problem)
    return execute._ended(operator, make_job_run(make_task_context()), pod)


@pytest.mark.parametrize(
    "problem", [JobFailure("the pod is gone"), StateError("refused"), RuntimeError("refused")]
)
def test_a_job_whose_task_a_person_has_ended_is_canceled_before_airflow_stops_it(
    monkeypatch: pytest.MonkeyPatch, problem: Exception
):
    """The end of the pipeline deletes its pod, and may be faster than the heartbeat of the task."""
    settled = ended(monkeypatch, problem, "failed")

    assert (settled.result.status, settled.result.reason) == (JobStatus.CANCELED, BY_HAND)


def test_a_job_whose_pod_is_gone_while_its_task_runs_has_failed(monkeypatch: pytest.MonkeyPatch):
    """Nobody has canceled it."""
    settled = ended(monkeypatch, JobFailure("the pod is gone"), "running")

    assert settled.result.status == JobStatus.FAILED
