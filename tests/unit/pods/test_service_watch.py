"""When a job has to give up because of a service."""

from __future__ import annotations

import json
from typing import Any

from gitlab_ci_provider.model.workspace import BUILD_CONTAINER, HELPER_CONTAINER, PREPARE_CONTAINER
from gitlab_ci_provider.pods.seen import SeenPod, decode_pod
from gitlab_ci_provider.pods.service_watch import ServiceWatch

RUNNING: dict[str, Any] = {"running": {}}
WAITING = {"waiting": {"reason": "PodInitializing"}}
FAILED = {"terminated": {"exitCode": 3}}
DONE = {"terminated": {"exitCode": 0}}


def pod(service: Any, prepare: Any, build: Any, restarts: int = 0) -> SeenPod:
    def status(name: str, state: Any) -> dict[str, Any]:
        return {"name": name, "image": "i", "state": state, "lastState": {}}

    db = {**status("db", service), "restartCount": restarts}
    own = [status("build", build), status("helper", build)]
    body = {"initContainerStatuses": [db, status("prepare", prepare)], "containerStatuses": own}
    return decode_pod(json.dumps({"metadata": {"name": "pod"}, "status": body}).encode())


def watch() -> ServiceWatch:
    return ServiceWatch(services=("db",))


def test_a_service_that_keeps_prepare_from_starting_is_hopeless():
    """Once it has died for the second time, however it ended."""
    assert watch().is_hopeless(pod(DONE, WAITING, WAITING, restarts=1), PREPARE_CONTAINER)
    assert not watch().is_hopeless(pod(FAILED, WAITING, WAITING), PREPARE_CONTAINER)


def test_a_service_that_is_dead_when_the_script_begins_is_hopeless():
    """One that has done its work is not, and neither is one that dies while the script runs."""
    assert watch().is_hopeless(pod(FAILED, DONE, RUNNING), BUILD_CONTAINER)
    assert not watch().is_hopeless(pod(DONE, DONE, RUNNING), BUILD_CONTAINER)
    assert not watch().is_hopeless(pod(FAILED, DONE, RUNNING), HELPER_CONTAINER)
    assert not watch().is_hopeless(pod(FAILED, FAILED, WAITING), BUILD_CONTAINER)


def test_a_service_that_is_waited_for_may_die_once():
    """It may have needed another one, which was not ready yet."""
    assert not watch().is_dead(pod(FAILED, RUNNING, WAITING))
    assert watch().is_dead(pod(FAILED, RUNNING, WAITING, restarts=1))


def test_looks_are_rare():
    """Each is a call of Kubernetes' API; jobs without services need none."""
    now = 0.0
    looked = ServiceWatch(services=("db",), clock=lambda: now)
    assert not looked.is_due()
    now = 3
    assert (looked.is_due(), looked.is_due()) == (True, False)
    assert not ServiceWatch(clock=lambda: now).is_due()
