"""A job that passes while the triggerer follows its pod needs no worker for its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import JobFailure
from integration.cluster.support import has_ended
from integration.cluster.waiting_task import Task

pytestmark = pytest.mark.parametrize("way", ["deferred"], indirect=True)

QUICK = "echo coverage 93%"


def warn(task: Task) -> None:
    """Have Kubernetes warn of the pod."""
    involved = {"kind": "Pod", "name": "job", "namespace": task.api.namespace}
    task.api.create(
        "events",
        {
            "metadata": {"name": "job.1", "namespace": task.api.namespace},
            "involvedObject": involved,
            "reason": "Unhealthy",
            "message": "not well",
            "type": "Warning",
        },
    )


def test_its_result_is_recorded_and_its_pod_deleted(task: Task):
    """As a worker does it, and no worker is asked for."""
    result = task.run(QUICK)

    assert task.handed == []
    assert task.told == [result]
    assert (result.status, result.exit_code, result.coverage) == ("success", 0, 93)
    assert result.pod == "job"
    task.api.wait_gone("job")


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(warn, id="a warning, which is shown"),
        pytest.param(lambda task: setattr(task, "state", "success"), id="a person ends the task"),
    ],
)
def test_a_worker_comes_back_for_what_only_it_can_do(task: Task, happens: Callable[[Task], object]):
    """Then the triggerer records nothing, and leaves the pod."""
    task.after = lambda: happens(task)
    result = task.run(QUICK)

    assert result.status == "success"
    assert len(task.handed) == 1
    assert task.told == []
    assert task.api.names("pods") == ["job"]


def test_a_worker_comes_back_for_a_failure(task: Task, caplog: pytest.LogCaptureFixture):
    """It knows whether the job is tried again; it shows no warning that the first one has shown."""
    with pytest.raises(JobFailure, match="exit code 7"):
        task.run("exit 7")

    assert (len(task.handed), task.told) == (1, [])
    assert caplog.text.count("ImageNotHonoured") <= 1


def test_what_a_lost_triggerer_has_recorded_counts(task: Task):
    """It had deleted the pod, and was lost before Airflow knew that the job has passed."""
    recorded: Any = object()

    def lost() -> None:
        task.api.wait("job", has_ended)
        task.told.append(recorded)
        task.api.delete("pods", "job")
        task.api.wait_gone("job")

    task.after = lost
    assert task.run(QUICK) is recorded
    assert task.handed == []
