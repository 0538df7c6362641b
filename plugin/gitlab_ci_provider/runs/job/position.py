"""Where in a job's log a follower has stopped, so that another one can go on there."""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.model.workspace import HOOK_CONTAINER, PREPARE_CONTAINER


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far the pod of a job has been followed; plain data, without a word of the log.

    Attributes:
        container: whose log comes next; empty when all logs have been followed.
        line: the helper's number of the last line of it that was written.
        time: the last time in it, seconds since 1970 by the node's clock.
        size: bytes of the kept log up to there.
        cut: the line has been shown though it goes on.
        groups: sections that are open.
        coverage: found so far.
        warned: the pod's warnings have been shown.
        shown: names of the events of those that were shown before the pod was left.
        start_left: seconds for which the pod may still wait for containers to start; None: all.
        waits_since: from when they run, in seconds since 1970; None while a container runs.
        pull_fails_since: when the first pull of an image failed, in seconds since 1970.
    """

    container: str = PREPARE_CONTAINER
    line: int = 0
    time: int = 0
    size: int = 0
    cut: bool = False
    groups: tuple[str, ...] = ()
    coverage: float | None = None
    warned: bool = False
    shown: tuple[str, ...] = ()
    start_left: float | None = None
    waits_since: float | None = None
    pull_fails_since: float | None = None


BEGINNING = Position()
"""Nothing has been followed."""

FROM_HOOK = Position(container=HOOK_CONTAINER)
"""Likewise, of a pod in which a hook comes first."""
