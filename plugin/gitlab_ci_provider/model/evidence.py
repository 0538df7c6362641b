"""What Kubernetes knew of a job's pod when the job failed; kept after the pod is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEvidence:
    """How one container was last seen; times are ISO 8601.

    Attributes:
        phase: `waiting`, `running` or `terminated`.
        message: Kubernetes' words for the phase.
        restarts: how often the container was started again.
        limits: resource limits as in the pod, `{"memory": "128Mi"}`.
        log: the last lines of its log.
    """

    name: str
    image: str = ""
    phase: str = "waiting"
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    restarts: int = 0
    started_at: str = ""
    finished_at: str = ""
    limits: Mapping[str, str] = field(default_factory=dict)
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEvidence:
    """One event of the pod."""

    at: str = ""
    kind: str = ""
    reason: str = ""
    message: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PodEvidence:
    """A pod as it was last seen, small and with secrets masked.

    Attributes:
        gone: the pod did not exist anymore; only its events were left.
    """

    pod: str
    node: str = ""
    phase: str = ""
    reason: str = ""
    message: str = ""
    gone: bool = False
    containers: tuple[ContainerEvidence, ...] = ()
    events: tuple[EventEvidence, ...] = ()
