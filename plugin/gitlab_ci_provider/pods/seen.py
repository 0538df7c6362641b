"""A pod as it is seen in Kubernetes' JSON: the part that is read, decoded without the rest.

The attributes have the names of the official client's models, so that `status.py` and `outcome.py`
take both. One that is seen through a watch is decoded in a few microseconds and is small, which is
what a triggerer with thousands of pods needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec


class _Read(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is not named is skipped."""


class SeenWaiting(_Read, frozen=True):
    """Why a container has not started."""

    reason: str | None = None
    message: str | None = None


class SeenRunning(_Read, frozen=True):
    """Since when a container runs."""

    started_at: datetime | None = None


class SeenTerminated(_Read, frozen=True):
    """How a container has ended."""

    exit_code: int = 0
    reason: str | None = None
    message: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class SeenState(_Read, frozen=True):
    """One of the three is there."""

    waiting: SeenWaiting | None = None
    running: SeenRunning | None = None
    terminated: SeenTerminated | None = None


class SeenContainer(_Read, frozen=True):
    """The status of one container."""

    name: str
    image: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: SeenState | None = None
    last_state: SeenState | None = None


class SeenCondition(_Read, frozen=True):
    """A condition of the pod."""

    type: str
    status: str = ""
    reason: str | None = None
    message: str | None = None


class SeenStatus(_Read, frozen=True):
    """The status of the pod."""

    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    conditions: tuple[SeenCondition, ...] | None = None
    init_container_statuses: tuple[SeenContainer, ...] | None = None
    container_statuses: tuple[SeenContainer, ...] | None = None


class SeenMetadata(_Read, frozen=True):
    """What tells which pod it is; a bookmark of a watch has a version and no name."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    deletion_timestamp: datetime | None = None
    labels: Mapping[str, str] | None = None


class SeenPod(_Read, frozen=True):
    """A pod."""

    metadata: SeenMetadata
    status: SeenStatus = SeenStatus()


class SeenPods(_Read, frozen=True):
    """A list of pods."""

    metadata: SeenList
    items: tuple[SeenPod, ...] = ()


class SeenList(_Read, frozen=True):
    """Where a watch continues after a list, and the list itself when it comes in parts."""

    resource_version: str = ""
    continue_: str | None = msgspec.field(default=None, name="continue")


class PodEvent(_Read, frozen=True):
    """One line of a watch; the object of an `ERROR` is a status."""

    type: str
    object: msgspec.Raw

    @property
    def pod(self) -> SeenPod:
        """The pod as it is now, or as it was when it was deleted."""
        return _POD.decode(self.object)

    @property
    def code(self) -> int:
        """The status code of an error."""
        status: Any = msgspec.json.decode(self.object)
        return int(status.get("code") or 0) if isinstance(status, dict) else 0


_POD = msgspec.json.Decoder(SeenPod)
_PODS = msgspec.json.Decoder(SeenPods)
_EVENT = msgspec.json.Decoder(PodEvent)


def decode_pod(data: bytes) -> SeenPod:
    """Read a pod."""
    return _POD.decode(data)


def decode_pods(data: bytes) -> SeenPods:
    """Read a list of pods."""
    return _PODS.decode(data)


def decode_event(line: bytes) -> PodEvent:
    """Read one line of a watch."""
    return _EVENT.decode(line)
