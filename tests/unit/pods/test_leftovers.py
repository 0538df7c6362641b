"""Which pods nobody needs anymore, by what Airflow says of their tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes import client as k8s

from gitlab_ci_provider.pods.leftovers import leftover, run_of
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def make_pod(**changes: Any) -> k8s.V1Pod:
    """Make the pod of a job, three hours old."""
    names = {"airflow-dag": "d", "airflow-run": "r", "airflow-task": "t", "job": "test: [a]"}
    metadata = k8s.V1ObjectMeta(
        name="p",
        namespace="n",
        uid="u",
        annotations={f"{LABEL_DOMAIN}/{key}": value for key, value in names.items()},
        creation_timestamp=NOW - timedelta(hours=3),
    )
    for name, value in changes.items():
        setattr(metadata, name, value)
    return k8s.V1Pod(metadata=metadata, status=k8s.V1PodStatus(phase="Running"))


@pytest.mark.parametrize(
    "state",
    [
        None,
        "scheduled",
        "queued",
        "running",
        "deferred",
        "up_for_retry",
        "up_for_reschedule",
        "restarting",
        "awaiting_input",
        "a state of a later Airflow",
    ],
)
def test_the_pod_of_a_task_that_may_go_on_is_kept(state: str | None):
    """A try runs, waits or is to come: it follows or deletes the pod itself."""
    assert leftover(make_pod(), {"t": state}, NOW) is None


@pytest.mark.parametrize("state", ["success", "failed", "skipped", "upstream_failed", "removed"])
def test_the_pod_of_a_task_that_has_ended_is_left(state: str):
    """Nobody comes back for it."""
    found = leftover(make_pod(), {"t": state}, NOW)

    assert found is not None
    assert (found.name, found.job, found.age) == ("p", "test: [a]", 3 * 3600)
    assert found.why == f"its task has ended ({state})"


def test_the_pod_of_a_run_that_is_gone_is_left():
    """Somebody has deleted the run or the DAG, or Airflow has cleaned its database."""
    no_run, no_task = leftover(make_pod(), None, NOW), leftover(make_pod(), {"other": None}, NOW)

    assert no_run is not None
    assert no_run.why == "its run no longer exists"
    assert no_task is not None
    assert no_task.why == "its task no longer exists"


def test_a_pod_that_is_being_deleted_is_not_listed():
    """Its `after_script` may still run."""
    assert leftover(make_pod(deletion_timestamp=NOW), None, NOW) is None


@pytest.mark.parametrize(
    ("phase", "late", "forced"),
    [
        ("Failed", 180, True),
        ("Succeeded", 180, True),
        ("Failed", 60, False),
        ("Running", 180, False),
    ],
)
def test_a_pod_that_its_node_should_have_removed_long_ago_is_forced(
    phase: str, late: int, forced: bool
):
    """Nothing of it runs anymore; a node that has not said so may come back with it."""
    pod = make_pod(deletion_timestamp=NOW - timedelta(seconds=late))
    pod.status.phase = phase
    found = leftover(pod, {"t": "failed"}, NOW)

    assert (found is not None) == forced
    assert leftover(pod, {"t": "running"}, NOW) is None
    if found is not None:
        assert found.forced
        assert found.why == "its task has ended (failed), and its node does not remove it"


def test_a_pod_that_does_not_say_whose_it_is_is_kept():
    """Nothing is deleted on a guess, whatever somebody has written into annotations."""
    pod = make_pod(annotations={f"{LABEL_DOMAIN}/airflow-dag": "d"})

    assert run_of(pod) is None
    assert leftover(pod, None, NOW) is None
    assert leftover(make_pod(annotations=None), None, NOW) is None
