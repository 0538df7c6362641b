"""How a try of a job ends when its pod has gone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import JobFailure, StateError
from gitlab_ci_provider.model.run import BY_HAND, JobStatus
from gitlab_ci_provider.runs.job import execute, shift
from gitlab_ci_provider.runs.job.end import Settled
from gitlab_ci_provider.runs.job.told_to_end import WorkerEnds
from unit.runs.support import make_job_run, make_task_context


class Pod:
    """The pod of a job, whose worker does not see how it ends.

    Attributes:
        removed: this worker has deleted it.
    """

    def __init__(self, problem: BaseException):
        self.problem = problem
        self.removed = False

    def run(self) -> None:
        """Notice what is wrong."""
        raise self.problem

    def remove(self) -> None:
        """Delete it."""
        self.removed = True


def ended(monkeypatch: pytest.MonkeyPatch, problem: Exception, state: str) -> Settled:
    """Let a job end whose task has a state in Airflow, before Airflow has stopped its worker."""
    monkeypatch.setattr(execute, "still_runs", lambda _: state == "running")
    operator: Any = SimpleNamespace(_killed=False, execution_timeout=None)
    pod: Any = Pod(problem)
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


@pytest.mark.parametrize("problem", [WorkerEnds(), RuntimeError("Airflow is odd")])
@pytest.mark.parametrize("tries", [2, 1])
def test_a_pod_is_left_to_the_next_try_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch, problem: BaseException, tries: int
):
    """The worker has to end, or has failed, and the job goes on; otherwise nobody would end it."""
    pod = Pod(problem)
    run = make_job_run(make_task_context())
    run.context["ti"].max_tries = tries
    monkeypatch.setattr(execute, "JobPod", lambda *_: pod)
    monkeypatch.setattr(execute, "still_runs", lambda _: True)

    operator: Any = SimpleNamespace(_killed=False)
    settled = execute._settle(operator, run, None)

    has_another = tries >= run.context["ti"].try_number
    assert (settled.again, pod.removed) == (has_another, not has_another)


def test_an_instance_of_a_mapped_task_runs_while_others_do_not(monkeypatch: pytest.MonkeyPatch):
    """Airflow names it with its number; otherwise none that has failed would be one that ran."""
    run = make_job_run(make_task_context())
    run.context["ti"].map_index = 1
    states = {"deploy_0": "success", "deploy_1": "running"}
    monkeypatch.setattr(shift, "task_states", lambda *_: states)

    assert shift.still_runs(run)
