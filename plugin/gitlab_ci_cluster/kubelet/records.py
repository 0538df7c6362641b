"""What the kubelet knows of a container; frozen, a change makes a new record."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from gitlab_ci_cluster.objects.meta import Obj, timestamp

Kind = Literal["init", "sidecar", "app"]
"""A sidecar is an init container with `restartPolicy: Always`."""

EPOCH = dt.datetime.fromtimestamp(0, dt.UTC)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not running yet, or not again yet."""

    reason: str
    message: str | None = None

    def to_json(self) -> Obj:
        """Return it as a Kubernetes `ContainerState`."""
        waiting: Obj = {"reason": self.reason}
        if self.message:
            waiting["message"] = self.message
        return {"waiting": waiting}


@dataclass(frozen=True, slots=True)
class Running:
    """Running."""

    started_at: dt.datetime

    def to_json(self) -> Obj:
        """Return it as a Kubernetes `ContainerState`."""
        return {"running": {"startedAt": timestamp(self.started_at)}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminated:
    """Ended."""

    exit_code: int
    reason: str
    container_id: str
    message: str | None = None
    started_at: dt.datetime = EPOCH
    finished_at: dt.datetime = EPOCH

    def to_json(self) -> Obj:
        """Return it as a Kubernetes `ContainerState`."""
        state: Obj = {"exitCode": self.exit_code, "reason": self.reason}
        if self.message:
            state["message"] = self.message
        state["startedAt"] = timestamp(self.started_at)
        state["finishedAt"] = timestamp(self.finished_at)
        if self.container_id:
            state["containerID"] = self.container_id
        return {"terminated": state}


State = Waiting | Running | Terminated


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRecord:
    """One container of a pod, as far as it has come."""

    name: str
    kind: Kind
    image: str
    image_id: str
    state: State
    last_state: Terminated | None = None
    restarts: int = 0
    ready: bool = False
    started: bool = False
    container_id: str = ""


def kind_of(spec: Obj, container: Obj) -> Kind:
    """Return what a container of a pod spec is."""
    if any(app["name"] == container["name"] for app in spec["containers"]):
        return "app"
    return "sidecar" if container.get("restartPolicy") == "Always" else "init"


def all_containers(spec: Obj) -> list[Obj]:
    """List the containers of a pod spec in the order of starting."""
    return [*spec.get("initContainers", []), *spec["containers"]]


def first_records(spec: Obj) -> dict[str, ContainerRecord]:
    """Make the records of a pod of which nothing runs yet."""
    reason = "PodInitializing" if spec.get("initContainers") else "ContainerCreating"
    return {
        container["name"]: ContainerRecord(
            name=container["name"],
            kind=kind_of(spec, container),
            image=container["image"],
            image_id="",
            state=Waiting(reason),
        )
        for container in all_containers(spec)
    }
