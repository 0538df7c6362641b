"""What following a pod asks of the outside world, and nothing of how that is done.

What decides is written once, as generators that yield these requests and are sent the answers. The
worker answers them with blocking calls (`hooks/pod_worker_io.py`), the triggerer with asynchronous
ones (`hooks/pod_trigger_io.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from gitlab_ci_provider.pods.seen import SeenPod

Answer = TypeVar("Answer")

Condition = Callable[[SeenPod], bool]

LogEnd = Literal["clean", "broken"]
"""How a connection to a log ended; the second also if it was refused or silent for too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """Wait until the condition holds; the answer is the pod, None when the time is up first."""

    condition: Condition
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLog:
    """Begin to follow the log of a container; an earlier connection ends. No answer.

    Attributes:
        since: seconds since 1970 by the node's clock; None means from the beginning.
        silence: seconds after which a log without a word counts as broken.
    """

    container: str
    since: int | None
    silence: float


@dataclass(frozen=True, slots=True)
class NextChunk:
    """The answer is what comes next in the log, or how the connection ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IsSilent:
    """The answer tells whether the API knows for certain that a container has written nothing."""

    container: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Do nothing for a while. No answer."""

    seconds: float


Request = Until | OpenLog | NextChunk | IsSilent | Pause

Steps = Generator[Request, Any, Answer]
