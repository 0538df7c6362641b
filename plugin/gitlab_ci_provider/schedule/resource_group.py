"""Whose turn it is in a resource group: one job of a project at a time.

After GitLab's `Ci::ResourceGroup#upcoming_processables`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

Key = tuple[str, str, str]


class ProcessMode(StrEnum):
    """In which order the jobs of a group run."""

    UNORDERED = "unordered"
    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"
    NEWEST_READY_FIRST = "newest_ready_first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One job that uses the group, or is going to.

    Attributes:
        pipeline: id of its pipeline; ids grow.
        dag_id, run_id, task_id: of its task.
        since: ISO 8601, UTC: when it came.
        ready: it waits for the group and for nothing else.
    """

    pipeline: int
    dag_id: str
    run_id: str
    task_id: str
    since: str
    ready: bool = True

    @property
    def key(self) -> Key:
        """DAG, run and task, which identify the job."""
        return (self.dag_id, self.run_id, self.task_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A resource group: the job that has it, and the jobs in line."""

    holder: Claim | None = None
    claims: tuple[Claim, ...] = ()


def enter(group: Group, claim: Claim) -> Group:
    """Put a job in line; one that is already there keeps its time, and becomes ready."""
    if group.holder is not None and group.holder.key == claim.key:
        return group
    known = next((other for other in group.claims if other.key == claim.key), None)
    since = known.since if known is not None and known.ready else claim.since
    others = without(group, {claim.key}).claims
    return replace(group, claims=(*others, replace(claim, since=since)))


def take(group: Group, claim: Claim, mode: ProcessMode) -> Group:
    """Put a job in line and give it the group if it is its turn."""
    entered = enter(group, claim)
    turn = upcoming(entered, mode)
    if entered.holder is not None or turn is None or turn.key != claim.key:
        return entered
    return replace(without(entered, {turn.key}), holder=turn)


def without(group: Group, keys: Collection[Key]) -> Group:
    """Take jobs out, whether they wait or hold the group."""
    gone = group.holder is not None and group.holder.key in keys
    return Group(
        holder=None if gone else group.holder,
        claims=tuple(claim for claim in group.claims if claim.key not in keys),
    )


def upcoming(group: Group, mode: ProcessMode) -> Claim | None:
    """Return whose turn it is; None while the next job is not ready."""
    line = _line(group.claims, mode)
    return line[0] if line and line[0].ready else None


def may_take(group: Group, claim: Claim, mode: ProcessMode) -> bool:
    """Tell whether it is the turn of a job that waits, or it has the group already."""
    if group.holder is not None:
        return group.holder.key == claim.key
    turn = upcoming(group, mode)
    return turn is not None and turn.key == claim.key


def is_waiting(group: Group, claim: Claim) -> bool:
    """Tell whether a job is in line, ready."""
    return any(other.key == claim.key and other.ready for other in group.claims)


def is_next(group: Group, claim: Claim, mode: ProcessMode) -> bool:
    """Tell whether a job is the first ready one in line: it looks whether those ahead still live.

    A job ahead that is not ready may be gone, too, so that it does not count here.
    """
    ready = [other for other in _line(group.claims, mode) if other.ready]
    return bool(ready) and ready[0].key == claim.key


def is_ordered(mode: ProcessMode) -> bool:
    """Return whether jobs count before they are ready: a ready one then waits for older ones."""
    return mode in {ProcessMode.OLDEST_FIRST, ProcessMode.NEWEST_FIRST}


def _line(claims: Iterable[Claim], mode: ProcessMode) -> list[Claim]:
    ready = [claim for claim in claims if claim.ready]
    if mode == ProcessMode.UNORDERED:
        return sorted(ready, key=lambda claim: (claim.since, claim.key))
    if mode == ProcessMode.NEWEST_READY_FIRST:
        return sorted(ready, key=lambda claim: (-claim.pipeline, claim.since, claim.key))
    sign = 1 if mode == ProcessMode.OLDEST_FIRST else -1
    return sorted(
        claims,
        key=lambda claim: (sign * claim.pipeline, not claim.ready, claim.since, claim.key),
    )
