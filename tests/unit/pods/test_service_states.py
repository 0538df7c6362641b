"""What a pod's status says of services that have died."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes import client as k8s

from gitlab_ci_provider.pods.service_states import (
    dead_before_script,
    dies_at_start,
    service_deaths,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RUNNING = k8s.V1ContainerState(running=k8s.V1ContainerStateRunning(started_at=NOON))
WAITING = k8s.V1ContainerState(waiting=k8s.V1ContainerStateWaiting(reason="PodInitializing"))
BACKS_OFF = k8s.V1ContainerState(waiting=k8s.V1ContainerStateWaiting(reason="CrashLoopBackOff"))


def ended(code: int, seconds: int = 0, **given: Any) -> k8s.V1ContainerState:
    at = NOON + timedelta(seconds=seconds)
    return k8s.V1ContainerState(
        terminated=k8s.V1ContainerStateTerminated(exit_code=code, finished_at=at, **given)
    )


def status(
    name: str,
    state: k8s.V1ContainerState,
    last: k8s.V1ContainerState | None = None,
    restarts: int = 0,
) -> k8s.V1ContainerStatus:
    return k8s.V1ContainerStatus(
        name=name,
        image=f"{name}:1",
        image_id="",
        ready=False,
        restart_count=restarts,
        state=state,
        last_state=last,
    )


def pod(
    service: k8s.V1ContainerStatus,
    prepare: k8s.V1ContainerState = WAITING,
    helper: k8s.V1ContainerState = WAITING,
    **given: Any,
) -> k8s.V1Pod:
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="pod"),
        status=k8s.V1PodStatus(
            init_container_statuses=[service, status("prepare", prepare)],
            container_statuses=[status("build", helper), status("helper", helper)],
            **given,
        ),
    )


def test_a_service_that_runs_has_not_died():
    """Nor has an ordinary init container that has ended."""
    assert service_deaths(pod(status("db", RUNNING), prepare=ended(0)), ["db"]) == []


def test_a_death_is_told_with_its_exit_code():
    """And how often it has happened."""
    (once,) = service_deaths(pod(status("db", ended(3))), ["db"])
    (twice,) = service_deaths(pod(status("db", BACKS_OFF, ended(3), restarts=1)), ["db"])

    assert once.words == "service db (db:1) has ended with exit code 3"
    assert twice.words == "service db (db:1) has ended 2 times, at last with exit code 3"


def test_memory_and_a_missing_program_are_named():
    """They are why people look."""
    (memory,) = service_deaths(pod(status("db", ended(137, reason="OOMKilled"))), ["db"])
    failed = ended(128, reason="StartError", message="no such file")
    (missing,) = service_deaths(pod(status("db", failed)), ["db"])

    assert memory.words.endswith("(out of memory)")
    assert missing.words.endswith("no such file")


def test_a_service_that_was_started_again_runs():
    """It may have waited for another one by ending."""
    (death,) = service_deaths(pod(status("db", RUNNING, ended(1), restarts=1)), ["db"])

    assert death.again
    assert dead_before_script(pod(status("db", RUNNING, ended(1), restarts=1)), ["db"]) is None


def test_a_service_that_dies_twice_keeps_the_job_from_starting():
    """Only as long as `prepare` has not been started."""
    dying = status("db", ended(0), ended(0), restarts=1)

    assert dies_at_start(pod(dying), ["db"])
    assert not dies_at_start(pod(dying, prepare=RUNNING), ["db"])
    assert not dies_at_start(pod(status("db", ended(0))), ["db"])


def test_a_service_that_ran_once_does_not_fail_the_job():
    """One that has failed does."""
    assert not dead_before_script(pod(status("db", ended(0)), prepare=ended(0)), ["db"])
    assert dead_before_script(pod(status("db", ended(1)), prepare=ended(0)), ["db"])


def test_kubernetes_ends_services_after_the_job():
    """That is no death, and neither is an end with the whole pod."""
    killed = status("db", ended(137, seconds=5))
    earlier = status("db", ended(137, seconds=-5))
    deleted = pod(killed, prepare=ended(0), helper=RUNNING)
    deleted.metadata.deletion_timestamp = NOON
    evicted = pod(killed, prepare=ended(0), helper=ended(137, seconds=9), reason="Evicted")

    assert service_deaths(pod(killed, prepare=ended(0), helper=ended(0)), ["db"]) == []
    assert service_deaths(pod(killed, prepare=ended(70)), ["db"]) == []
    assert service_deaths(deleted, ["db"]) == []
    assert service_deaths(evicted, ["db"]) == []
    assert service_deaths(pod(earlier, prepare=ended(0), helper=ended(0)), ["db"])


@pytest.mark.parametrize(("code", "died"), [(0, False), (143, False), (137, False), (7, True)])
def test_of_ends_in_the_same_second_the_exit_code_tells(code: int, died: bool):
    """A script that fails for its service ends with it, and a real kubelet tells both at once."""
    over = pod(status("db", ended(code)), prepare=ended(0), helper=ended(0))

    assert bool(service_deaths(over, ["db"])) == died
