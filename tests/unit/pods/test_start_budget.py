"""The time that a pod has to start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kubernetes import client as k8s

from gitlab_ci_provider.model.workspace import PREPARE_CONTAINER
from gitlab_ci_provider.pods.start_budget import StartBudget, waited

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def before(seconds: int) -> datetime:
    """Give the moment so many seconds before now."""
    return NOW - timedelta(seconds=seconds)


def make_pod(name: str = PREPARE_CONTAINER, **state: Any) -> k8s.V1Pod:
    """Make a pod of ten minutes ago, with one init container."""
    status = k8s.V1ContainerStatus(
        name=name,
        image="x",
        image_id="",
        ready=False,
        restart_count=0,
        state=k8s.V1ContainerState(**state),
    )
    metadata = k8s.V1ObjectMeta(creation_timestamp=before(600))
    return k8s.V1Pod(metadata=metadata, status=k8s.V1PodStatus(init_container_statuses=[status]))


def test_the_time_of_containers_that_run_does_not_count():
    """Sources may be fetched for longer than a pod may take to start."""
    now = [1000.0]
    budget = StartBudget(60, since=990.0, clock=lambda: now[0])
    budget.stop()
    now[0] += 3600
    assert budget.seconds() == 50

    budget.go_on()
    now[0] += 70
    assert budget.seconds() == 0


def test_a_found_pod_has_waited_since_it_was_created():
    """Without the time in which its first container ran, or runs."""
    ended = k8s.V1ContainerStateTerminated(
        exit_code=0, started_at=before(500), finished_at=before(100)
    )
    running = k8s.V1ContainerStateRunning(started_at=before(500))

    assert waited(make_pod(waiting=k8s.V1ContainerStateWaiting()), NOW) == 600
    assert waited(make_pod(terminated=ended), NOW) == 200
    assert waited(make_pod(running=running), NOW) == 100


def test_a_service_that_runs_is_no_reason_to_wait_longer():
    """It starts before the job's own containers, and runs until the end."""
    running = k8s.V1ContainerStateRunning(started_at=before(500))

    assert waited(make_pod("svc-0", running=running), NOW) == 600


def test_clocks_that_differ_do_not_shorten_the_time():
    """A pod of the future has not waited."""
    assert waited(make_pod(), before(700)) == 0
    assert StartBudget(60, since=1000.0, clock=lambda: 900.0).seconds() == 60
