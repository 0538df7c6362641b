"""Replays the recorded lives of pods and condenses them for comparison."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from integration.cluster.support import Api, recording

CASES = {
    "active-deadline": None,
    "config-missing-configmap-volume": None,
    "config-missing-secret-env": None,
    "delete-force-0": None,
    "delete-grace-handles-term": None,
    "delete-grace-ignores-term": None,
    "delete-grace-override-1s": None,
    "delete-pending-unscheduled": None,
    "delete-prestop": None,
    "delete-succeeded": None,
    "delete-with-finalizer": None,
    "hostnetwork": None,
    "image-invalid-name": None,
    "image-invalid-name2": None,
    "init-fails": None,
    "init-fails-retry": "CrashLoopBackOff",
    "killed-by-segv-child": None,
    "killed-by-signal": None,
    "liveness-kill": None,
    "main-crashloop": "CrashLoopBackOff",
    "main-exit3": None,
    "main-exit3-sidecar-keeps-running": None,
    "native-sidecar-ignores-term": None,
    "native-sidecar-ok": None,
    "oom-child-of-sh": None,
    "oom-main-direct": None,
    "oom-python": None,
    "readiness": None,
    "run-as-nonroot": None,
    "scheduling-gate": None,
    "start-error-bad-init": None,
    "start-error-no-such-command": None,
    "start-error-not-executable": None,
    "term-message-fallback-logs": None,
    "term-message-file": None,
    "two-init-main-sidecar-ok": None,
    "unschedulable-cpu": None,
    "unschedulable-selector": None,
}
"""What one machine without images can do; the reason at which a long one is cut off."""

MERGED_BY_KUBELET = {"two-init-main-sidecar-ok"}
"""Containers that end within a second: a real kubelet looks once a second and shows one step."""

OTHER_SHELL = {"killed-by-signal": ("1", "2")}
"""Busybox and dash give different exit codes when `kill -9 1` does nothing."""

Step = dict[str, Any]
"""What an event of a watch comes to."""

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def condense(event: dict[str, Any]) -> Step:
    """Reduce an event of a watch to what must be the same everywhere."""
    obj = event["object"]
    status, metadata = obj["status"], obj["metadata"]
    deleting = metadata.get("deletionGracePeriodSeconds")
    return {
        "type": event["type"],
        "phase": status["phase"],
        "reason": status.get("reason"),
        "message": status.get("message"),
        "deleting": deleting if "deletionTimestamp" in metadata else None,
        "inits": _containers(status.get("initContainerStatuses", [])),
        "containers": _containers(status.get("containerStatuses", [])),
        "conditions": [
            [one["type"], one["status"], one.get("reason"), one.get("message")]
            for one in status.get("conditions", [])
        ],
    }


def _containers(statuses: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["name"]: _container(one) for one in statuses}


def _container(status: dict[str, Any]) -> list[Any]:
    kind, details = next(iter(status["state"].items()))
    message = details.get("message")
    return [
        *(kind, details.get("reason"), details.get("exitCode"), status["ready"]),
        *(status["started"], status["restartCount"], bool(status["lastState"])),
        _UID.sub("UID", message) if message else None,
    ]


def steps(events: Iterable[dict[str, Any]], until: str | None = None) -> list[Step]:
    """Condense events, repetitions dropped, up to the first that has a reason."""
    condensed: list[Step] = []
    for step in map(condense, events):
        if not condensed or condensed[-1] != step:
            condensed.append(step)
        if until and until in json.dumps(step):
            break
    return condensed


def replay_all(api: Api, names: list[str]) -> dict[str, Any]:
    """Replay cases side by side; return by name what a real cluster showed, and what ours did."""
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(lambda name: _replay(api, name), names), strict=True))


def _replay(api: Api, name: str) -> tuple[list[Step], list[Step], Any, Any]:
    case = recording(f"lifecycle/{name}.json")
    wanted = steps(case["watch_events"], CASES[name])
    actions = _actions(case)
    version = api.http.get(api.path("pods")).json()["metadata"]["resourceVersion"]
    selector = f"metadata.name={case['manifest']['metadata']['name']}"
    seen = []
    with api.watch(
        "pods", fieldSelector=selector, resourceVersion=version, timeoutSeconds=120
    ) as events:
        created = api.create("pods", case["manifest"], dryRun="All")
        api.create("pods", _patient(case["manifest"]))
        for event in events:
            seen.append(event)
            step = condense(event)
            while actions and actions[0][0] == step:
                _send(api, actions.pop(0)[1])
            if _same_end(name, step, wanted[-1]) and not actions:
                break
    return wanted, steps(seen, CASES[name]), case, created


def _patient(manifest: dict[str, Any]) -> dict[str, Any]:
    """Give probes a minute: on a busy machine `false` may take longer than their usual second."""
    patient = copy.deepcopy(manifest)
    for container in patient["spec"]["containers"]:
        for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
            if kind in container:
                container[kind]["timeoutSeconds"] = 60
    return patient


def _same_end(name: str, step: Step, last: Step) -> bool:
    return step == last or (name in OTHER_SHELL and step["phase"] == last["phase"] == "Failed")


def _actions(case: dict[str, Any]) -> list[tuple[Step, Any]]:
    """List what was done, each with the step after which it was done."""
    actions = []
    for action in case["actions"]:
        results = action["result"]
        before = [event for event in case["watch_events"] if event["t"] <= action["t"]]
        after = condense(before[-1])
        several = results if isinstance(results, list) else [results]
        actions += [(after, result["request"]) for result in several]
    return actions


def _send(api: Api, request: dict[str, Any]):
    body = request["body"]
    content_type = request["headers"].get("Content-Type", "application/json")
    content = None if body is None else json.dumps(body)
    headers = {"Content-Type": content_type}
    answer = api.http.request(request["method"], request["path"], content=content, headers=headers)
    assert answer.status_code < 300, answer.text
