"""The columns of a pod, with the STATUS that people know from kubectl (`printPod`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitlab_ci_cluster.objects.meta import Obj, is_deleting

Age = Callable[[str | None], str]


def pod_row(pod: Obj, created: str, age: Age) -> list[Any]:
    """Make the cells of a pod: name, ready, status, restarts, age, and the wide ones."""
    spec, status = pod["spec"], pod["status"]
    sidecars = [
        container
        for container in spec.get("initContainers", [])
        if container.get("restartPolicy") == "Always"
    ]
    counted = _counted_statuses(pod)
    ready = sum(bool(container["ready"] and _is_running(container)) for container in counted)
    shown = [
        pod["metadata"]["name"],
        f"{ready}/{len(spec['containers']) + len(sidecars)}",
        status_text(pod),
        _restarts(pod, counted, age),
        created,
    ]
    ip, node = status.get("podIP", "<none>"), spec.get("nodeName", "<none>")
    return [*shown, ip, node, "<none>", "<none>"]


def _counted_statuses(pod: Obj) -> list[Obj]:
    sidecars = _sidecar_names(pod)
    inits = pod["status"].get("initContainerStatuses", [])
    apps = pod["status"].get("containerStatuses", [])
    return [*(container for container in inits if container["name"] in sidecars), *apps]


def _sidecar_names(pod: Obj) -> set[str]:
    inits = pod["spec"].get("initContainers", [])
    return {container["name"] for container in inits if container.get("restartPolicy") == "Always"}


def _is_running(status: Obj) -> bool:
    return "running" in status["state"]


def _restarts(pod: Obj, counted: list[Obj], age: Age) -> str:
    initializing = _init_text(pod) is not None
    statuses = pod["status"].get("initContainerStatuses", []) if initializing else counted
    count = sum(status["restartCount"] for status in statuses)
    ends = [
        status["lastState"]["terminated"].get("finishedAt")
        for status in statuses
        if "terminated" in status.get("lastState", {})
    ]
    return f"{count} ({age(max(ends))} ago)" if count and ends else str(count)


def status_text(pod: Obj) -> str:
    """Return the STATUS of a pod."""
    status = pod["status"]
    text = status.get("reason") or status["phase"]
    gated = any(
        condition["type"] == "PodScheduled" and condition.get("reason") == "SchedulingGated"
        for condition in status.get("conditions", [])
    )
    text = "SchedulingGated" if gated else text
    init = _init_text(pod)
    text = init if init is not None else _app_text(status, text)
    if is_deleting(pod) and status["phase"] not in {"Succeeded", "Failed"}:
        return "Terminating"
    return text


def _init_text(pod: Obj) -> str | None:
    """Return how far the init containers are; None once they are done."""
    sidecars = _sidecar_names(pod)
    statuses = pod["status"].get("initContainerStatuses", [])
    for index, container in enumerate(statuses):
        state = container["state"]
        terminated, waiting = state.get("terminated"), state.get("waiting")
        if terminated and terminated["exitCode"] == 0:
            continue
        if container["name"] in sidecars and container.get("started"):
            continue
        if terminated:
            return f"Init:{_end_text(terminated)}"
        if waiting and waiting.get("reason") not in {None, "", "PodInitializing"}:
            return f"Init:{waiting['reason']}"
        if pod["status"]["phase"] in {"Succeeded", "Failed"} and container["name"] in sidecars:
            continue
        return f"Init:{index}/{len(statuses)}"
    return None


def _app_text(status: Obj, text: str) -> str:
    running = False
    for container in reversed(status.get("containerStatuses", [])):
        state = container["state"]
        if state.get("waiting", {}).get("reason"):
            text = state["waiting"]["reason"]
        elif "terminated" in state:
            text = _end_text(state["terminated"])
        elif container["ready"] and "running" in state:
            running = True
    if text == "Completed" and running:
        return "Running" if _is_ready(status) else "NotReady"
    return text


def _end_text(terminated: Obj) -> str:
    return terminated.get("reason") or f"ExitCode:{terminated['exitCode']}"


def _is_ready(status: Obj) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in status.get("conditions", [])
    )
