"""What the worker and the triggerer hand to each other: which pod, and how far it was followed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.runs.job.position import Position
from gitlab_ci_provider.runs.record import plain

Why = Literal["", "late", "stuck", "timeout", "unfit"]
"""Nothing special; the pod did not start in time; the build ended before it met the helper; the
job's time is over; the triggerer cannot follow pods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A pod that is being followed. Goes through Airflow's database, so it holds no secret.

    Attributes:
        connection: Airflow's, of the cluster.
        deadline: when the job's timeout is over, in seconds since 1970.
        timeout: of the job, in seconds; 0 for that of the task.
        patience: seconds for which the pod may take to start.
        services: names of the containers of the job's services.
        unsettled: names of containers with another pull policy.
        hides: Airflow Variables with values that must not be seen, and that the helper does not
            know: it only hides those of the job.
        hop: counts how often the pod went to a triggerer in this try of the task.
        grace: seconds that the job needs to end if it is canceled; None for the pod's own.
        archive_key: of this try, if the triggerer ends the task of a job that passes; empty if a
            worker has to come back.
    """

    connection: str
    namespace: str
    pod: str
    uid: str
    deadline: float
    timeout: int = 0
    patience: float = 0
    position: Position = field(default_factory=Position)
    services: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    why: Why = ""
    hop: int = 1
    grace: int | None = None
    archive_key: str = ""


def pack(handover: Handover) -> dict[str, Any]:
    """Write a handover as plain data."""
    packed: dict[str, Any] = plain(handover)
    return packed


def unpack(given: Any) -> Handover:
    """Read a handover."""
    return convert(given, Handover)
