"""From records of containers to a `PodStatus`, as the kubelet of Kubernetes 1.36 writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gitlab_ci_cluster.kubelet.records import (
    ContainerRecord,
    Running,
    Terminated,
    Waiting,
    all_containers,
)
from gitlab_ci_cluster.objects.meta import Obj

Phase = Literal["Pending", "Running", "Succeeded", "Failed"]
Records = Mapping[str, ContainerRecord]

TERMINAL: frozenset[str] = frozenset({"Succeeded", "Failed"})
"""Phases that a pod never leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodState:
    """What a pod's status is made from, apart from its spec.

    Attributes:
        sandbox: whether containers can be started.
        settled: all is over and cleaned up; until then the phase shown is not terminal.
        failure: reason and message of a failure that no container caused, for example
            `DeadlineExceeded`.
        time: for `lastTransitionTime` of what has changed.
    """

    records: Records
    sandbox: bool
    settled: bool = False
    failure: tuple[str, str] | None = None
    time: str
    ip: str
    start_time: str


def build_status(pod: Obj, state: PodState) -> Obj:
    """Write the status of a pod that has been scheduled, going on from the one that it has."""
    spec, old = pod["spec"], pod["status"]
    phase = "Failed" if state.failure else phase_of(spec, state.records)
    shown = phase if state.settled or phase not in TERMINAL else old["phase"]
    status: Obj = {"observedGeneration": pod["metadata"]["generation"], "phase": shown}
    conditions = _conditions(spec, state, phase)
    status["conditions"] = _merge_conditions(
        old.get("conditions", []), conditions, state.time, pod["metadata"]["generation"]
    )
    if state.failure and state.settled:
        status["reason"], status["message"] = state.failure
    status |= {"hostIP": state.ip, "hostIPs": [{"ip": state.ip}]}
    if state.sandbox or "podIP" in old:
        status |= {"podIP": state.ip, "podIPs": [{"ip": state.ip}]}
    status["startTime"] = state.start_time
    if spec.get("initContainers"):
        status["initContainerStatuses"] = _statuses(spec["initContainers"], state.records)
    status["containerStatuses"] = _statuses(spec["containers"], state.records)
    return status | {"qosClass": old["qosClass"], "resources": {}}


def phase_of(spec: Obj, records: Records) -> Phase:
    """Return the phase that the containers amount to (kubelet `getPhase`)."""
    policy = spec.get("restartPolicy", "Always")
    inits = [record for record in records.values() if record.kind == "init"]
    apps = [record for record in records.values() if record.kind == "app"]
    if policy == "Never" and any(_has_failed(record) for record in inits):
        return "Failed"
    if any(_is_fresh(record) for record in apps):
        return "Pending"
    sidecars = [record for record in records.values() if record.kind == "sidecar"]
    if any(isinstance(record.state, Running) for record in (*apps, *sidecars)):
        return "Running"
    return _phase_of_ended(policy, apps)


def _phase_of_ended(policy: str, apps: list[ContainerRecord]) -> Phase:
    if policy == "Always":
        return "Running"
    if all(_exit_code(record) == 0 for record in apps):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def _has_failed(record: ContainerRecord) -> bool:
    return isinstance(record.state, Terminated) and record.state.exit_code != 0


def _is_fresh(record: ContainerRecord) -> bool:
    return isinstance(record.state, Waiting) and record.last_state is None


def _exit_code(record: ContainerRecord) -> int | None:
    ended = record.state if isinstance(record.state, Terminated) else record.last_state
    return ended.exit_code if ended else None


def _conditions(spec: Obj, state: PodState, phase: Phase) -> list[Obj]:
    sandbox = state.sandbox and not state.settled
    ready = _ready_condition(spec, state.records, phase)
    return [
        {"type": "PodReadyToStartContainers", "status": str(sandbox)},
        {"type": "Initialized", **_initialized_condition(state.records, phase)},
        {"type": "Ready", **ready},
        {"type": "ContainersReady", **ready},
        {"type": "PodScheduled", "status": "True"},
    ]


def _initialized_condition(records: Records, phase: Phase) -> Obj:
    if phase == "Succeeded":
        return {"status": "True", "reason": "PodCompleted"}
    incomplete = [record.name for record in records.values() if _is_incomplete(record)]
    begun = any(record.kind == "app" and not _is_fresh(record) for record in records.values())
    if begun or not incomplete:
        return {"status": "True"}
    message = f"containers with incomplete status: [{' '.join(incomplete)}]"
    return {"status": "False", "reason": "ContainersNotInitialized", "message": message}


def _is_incomplete(record: ContainerRecord) -> bool:
    return record.kind != "app" and not record.ready


def _ready_condition(spec: Obj, records: Records, phase: Phase) -> Obj:
    if phase in TERMINAL:
        return {"status": "False", "reason": f"Pod{'Failed' if phase == 'Failed' else 'Completed'}"}
    unready = [
        container["name"]
        for container in all_containers(spec)
        if (record := records[container["name"]]).kind != "init" and not record.ready
    ]
    if not unready:
        return {"status": "True"}
    message = f"containers with unready status: [{' '.join(unready)}]"
    return {"status": "False", "reason": "ContainersNotReady", "message": message}


def _merge_conditions(old: list[Obj], new: list[Obj], time: str, generation: int) -> list[Obj]:
    """Keep the time of the last transition of what has not changed, and conditions not ours."""
    before = {condition["type"]: condition for condition in old}
    types = {condition["type"] for condition in new}
    merged = [condition for condition in old if condition["type"] not in types]
    for condition in new:
        previous = before.get(condition["type"], {})
        same = previous.get("status") == condition["status"]
        merged.append(
            {
                "type": condition["type"],
                "observedGeneration": generation,
                "status": condition["status"],
                "lastProbeTime": None,
                "lastTransitionTime": previous["lastTransitionTime"] if same else time,
                **{key: condition[key] for key in ("reason", "message") if key in condition},
            }
        )
    return merged


def _statuses(containers: list[Obj], records: Records) -> list[Obj]:
    return [_container_status(container, records[container["name"]]) for container in containers]


def _container_status(container: Obj, record: ContainerRecord) -> Obj:
    status: Obj = {
        "name": record.name,
        "state": record.state.to_json(),
        "lastState": record.last_state.to_json() if record.last_state else {},
        "ready": record.ready,
        "restartCount": record.restarts,
        "image": record.image,
        "imageID": record.image_id,
    }
    if record.container_id:
        status["containerID"] = record.container_id
    status["started"] = record.started
    if record.container_id:
        status["resources"] = container.get("resources", {})
    mounts = [_mount_status(mount) for mount in container.get("volumeMounts", [])]
    return status | ({"volumeMounts": mounts} if mounts else {})


def _mount_status(mount: Obj) -> Obj:
    shown = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if mount.get("readOnly"):
        shown |= {"readOnly": True, "recursiveReadOnly": "Disabled"}
    return shown
