"""Every way in which a pod died on a real Kubernetes, and GitLab's failure reason for it."""

from __future__ import annotations

import copy
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client as k8s

from gitlab_ci_provider.pods.outcome import outcome
from gitlab_ci_provider.pods.service_states import service_deaths
from gitlab_ci_provider.pods.starting import Starting
from gitlab_ci_provider.pods.status import has_ended, is_lost, start_problem, why_pending

ROOT = Path(__file__).parents[3]
PREPARED = {"name": "prepare", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
RUNNING = {"name": "helper", "state": {"running": {}}}
COMMON = {"image": "i", "imageID": "", "ready": False, "restartCount": 0}


def recordings() -> Path:
    """Find the recordings, or skip."""
    shared = Path(os.environ.get("GITLAB_CI_SHARED", ROOT.parent / "shared"))
    folder = shared / "kubernetes" / "recordings" / "lifecycle"
    if not folder.is_dir():
        pytest.skip("no recordings of a real Kubernetes: set GITLAB_CI_SHARED")
    return folder


def recorded(case: str) -> list[dict[str, Any]]:
    """Read every state of a recorded pod."""
    path = recordings() / f"{case}.json"
    return [event["object"] for event in json.loads(path.read_text())["watch_events"]]


def as_ours(seen: dict[str, Any]) -> k8s.V1Pod:
    """Rename the containers of a recorded pod to ours: its `main` is our `build`."""
    raw = copy.deepcopy(seen)
    status = raw["status"]
    for one in status.get("containerStatuses", []):
        one["name"] = "build" if one["name"] == "main" else "helper"
    names = {one["name"] for one in status.get("containerStatuses", [])}
    if "helper" not in names:
        helper = _ended_like_build(status) if "build" in names else RUNNING
        status.setdefault("containerStatuses", []).append({**COMMON, **helper})
    inits = status.get("initContainerStatuses", [])
    first = next((one for one in inits if one["name"] != "svc"), {**COMMON, **PREPARED})
    services = [one for one in inits if one["name"] == "svc"]
    status["initContainerStatuses"] = [{**first, "name": "prepare"}, *services]
    answer = type("Answer", (), {"data": json.dumps(raw)})
    return k8s.ApiClient().deserialize(answer, "V1Pod")


def _ended_like_build(status: dict[str, Any]) -> dict[str, Any]:
    build = next(one for one in status["containerStatuses"] if one["name"] == "build")
    if "terminated" not in build["state"]:
        return {"name": "helper", "state": build["state"]}
    return {"name": "helper", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}


ENDED = {
    "active-deadline": ("job_execution_timeout", None, "deadline"),
    "active-deadline-pending": ("job_execution_timeout", None, "deadline"),
    "delete-during-pull-backoff": ("runner_interrupted", None, "was deleted"),
    "delete-grace-ignores-term": ("runner_interrupted", None, "was deleted"),
    "delete-grace-override-1s": ("runner_interrupted", None, "was deleted"),
    "delete-prestop": ("runner_interrupted", None, "was deleted"),
    "delete-with-finalizer": ("runner_interrupted", None, "was deleted"),
    "delete-grace-handles-term": (None, 0, ""),
    "emptydir-sizelimit-evicted": ("runner_system_failure", None, "exceeds the limit"),
    "ephemeral-storage-evicted": ("runner_system_failure", None, "exceeds the total limit"),
    "evict-api": ("runner_interrupted", None, "disrupted: Eviction API"),
    "hostnetwork": (None, 0, ""),
    "init-fails": ("runner_system_failure", None, "prepare"),
    "killed-by-segv-child": ("script_failure", 139, "exit code 139"),
    "killed-by-signal": ("script_failure", 1, "exit code 1"),
    "liveness-kill": ("script_failure", 137, "exit code 137"),
    "main-exit3": ("script_failure", 3, "exit code 3"),
    "oom-child-of-sh": ("script_failure", 7, "out of memory"),
    "oom-main-direct": ("script_failure", 137, "out of memory"),
    "oom-python": ("script_failure", 137, "out of memory"),
    "native-sidecar-ignores-term": (None, 0, ""),
    "native-sidecar-ok": (None, 0, ""),
    "delete-succeeded": (None, 0, ""),
    "readiness": (None, 0, ""),
    "scheduling-gate": (None, 0, ""),
    "term-message-fallback-logs": ("script_failure", 4, "exit code 4"),
    "term-message-file": ("script_failure", 4, "exit code 4"),
    "start-error-bad-init": ("runner_system_failure", None, "prepare"),
    "start-error-no-such-command": ("runner_system_failure", None, "could not start"),
    "start-error-not-executable": ("runner_system_failure", None, "could not start"),
    "two-init-main-sidecar-ok": (None, 0, ""),
}


@pytest.mark.parametrize("case", ENDED)
def test_how_a_pod_that_ended_counts(case: str):
    """The last word of a recorded pod gives GitLab's reason, the exit code and a cause in words."""
    reason, code, words = ENDED[case]
    pod = as_ours(recorded(case)[-1])

    end = outcome(pod)

    assert has_ended(pod)
    assert (end.failure_reason, end.exit_code) == (reason, code)
    assert words in end.message


HOPELESS = {
    "config-missing-secret-env": ("runner_system_failure", 'secret "nosuch" not found'),
    "image-invalid-name": ("image_pull_failure", "InvalidImageName"),
    "image-invalid-name2": ("image_pull_failure", "InvalidImageName"),
    "image-never-missing": ("image_pull_failure", "not present with pull policy"),
    "image-not-found": ("image_pull_failure", "nosuch"),
    "run-as-nonroot": ("runner_system_failure", "runAsNonRoot"),
}


@pytest.mark.parametrize("case", HOPELESS)
def test_what_never_starts(case: str):
    """A pod that cannot start is given up at some recorded state, with the kubelet's words."""
    reason, words = HOPELESS[case]

    problems = [start_problem(as_ours(seen)) for seen in recorded(case)]

    first = next(one for one in problems if one is not None)
    assert first.failure_reason == reason
    assert words in first.message


PASSES = {"image-bad-host": ("image_pull_failure", "no such host")}


@pytest.mark.parametrize("case", PASSES)
@pytest.mark.parametrize("grace", [0, 1000])
def test_what_may_come_right(case: str, grace: int):
    """A registry that is out of reach is given its grace; then the job fails with its words."""
    starting = Starting(grace=grace)

    hopeless = [starting.is_hopeless(as_ours(seen)) for seen in recorded(case)]

    assert any(hopeless) == (grace == 0)
    assert PASSES[case][1] in " ".join(starting.registries)


WAITS = {
    "unschedulable-cpu": "no node can run it: 0/1 nodes are available: 1 Insufficient cpu",
    "unschedulable-selector": "no node can run it: 0/1 nodes are available",
    "config-missing-configmap-volume": "ContainerCreating",
}


@pytest.mark.parametrize("case", WAITS)
def test_what_a_pod_waits_for(case: str):
    """One that only waits is given time; when that is up, what it waits for is said."""
    pod = k8s.ApiClient().deserialize(
        type("Answer", (), {"data": json.dumps(recorded(case)[-1])}), "V1Pod"
    )

    assert start_problem(pod) is None
    assert why_pending(pod).startswith(WAITS[case])


def test_a_lost_node_is_believed_once_the_pod_is_given_up():
    """Silence may end; a pod that is being deleted on a silent node has ended."""
    seen = recorded("node-lost-kubelet-killed")[-1]
    assert not has_ended(as_ours(seen))

    pod = as_ours(due(seen, 0))

    assert is_lost(pod)
    assert outcome(pod).failure_reason == "runner_interrupted"


@pytest.mark.parametrize(("late", "lost"), [(-30, False), (60, False), (180, True)])
def test_a_pod_that_nobody_ends_is_lost_with_its_node(late: int, lost: bool):
    """One that was not ready anyway, as while sources are fetched, gets no mark of its node's."""
    seen = due(recorded("node-lost-kubelet-killed")[-1], late)
    seen["status"]["phase"] = "Pending"
    for condition in seen["status"]["conditions"]:
        condition["status"] = "False" if "Ready" in condition["type"] else condition["status"]
    pod = as_ours(seen)

    assert (is_lost(pod), has_ended(pod)) == (lost, lost)
    assert ("the node was lost" in outcome(pod).message) == lost


def due(seen: dict[str, Any], late: int) -> dict[str, Any]:
    """Have Kubernetes delete a recorded pod, which was due so many seconds ago."""
    moment = datetime.now(UTC) - timedelta(seconds=late)
    raw = copy.deepcopy(seen)
    raw["metadata"]["deletionTimestamp"] = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return raw


def test_a_pod_that_is_evicted_gracefully_still_runs():
    """While its containers end in their grace time, the pod has not ended."""
    deleted = [one for one in recorded("evict-api") if one["status"]["phase"] == "Running"]

    assert not any(has_ended(as_ours(due(one, 0))) for one in deleted)


def test_a_pod_that_a_node_refuses():
    """The kubelet may refuse a pod that was given to it: nothing of it ever ran."""
    status = k8s.V1PodStatus(phase="Failed", reason="OutOfcpu", message="Node didn't have enough")

    end = outcome(k8s.V1Pod(status=status))

    assert end.failure_reason == "runner_interrupted"
    assert "OutOfcpu: Node didn't have enough" in end.message


def test_what_was_saved_while_the_pod_was_taken_away_is_kept():
    """The helper may have uploaded `artifacts:when: always` in the pod's grace time."""
    pod = as_ours(recorded("evict-api")[-1])
    report = {"artifacts": [{"name": "artifacts", "object_key": "k"}]}
    helper = next(one for one in pod.status.container_statuses if one.name == "helper")
    helper.state.terminated.message = json.dumps(report)

    end = outcome(pod)

    assert end.failure_reason == "runner_interrupted"
    assert [one.object_key for one in end.artifacts] == ["k"]


NEVER_OURS = {
    "delete-force-0": "gone without a last word: the watch says so",
    "delete-pending-unscheduled": "the same",
    "init-fails-retry": "our pods are never restarted",
    "main-crashloop": "the same",
    "main-exit3-sidecar-keeps-running": "our services are native sidecars",
}


def test_every_recording_is_judged():
    """No recorded way to die is left without an expectation."""
    judged = {*ENDED, *HOPELESS, *PASSES, *WAITS, *NEVER_OURS, "node-lost-kubelet-killed"}

    assert {path.stem for path in recordings().glob("*.json")} == judged


@pytest.mark.parametrize("case", ["native-sidecar-ok", "native-sidecar-ignores-term"])
def test_a_sidecar_that_a_real_kubelet_has_ended_has_not_died(case: str):
    """It gets TERM, and KILL if need be, once the job's own containers have ended."""
    pods = [as_ours(seen) for seen in recorded(case)]
    codes = [
        status.state.terminated.exit_code
        for pod in pods
        for status in pod.status.init_container_statuses
        if status.name == "svc" and status.state.terminated
    ]

    for pod in pods:
        for status in pod.status.container_statuses:  # the recorded pod has no helper of ours
            if status.name == "helper" and status.state.terminated:
                status.state.terminated.finished_at = _build_end(pod)
    assert codes
    assert [service_deaths(pod, ["svc"]) for pod in pods] == [[]] * len(pods)


def _build_end(pod: k8s.V1Pod) -> Any:
    build = next(one for one in pod.status.container_statuses if one.name == "build")
    return build.state.terminated.finished_at
