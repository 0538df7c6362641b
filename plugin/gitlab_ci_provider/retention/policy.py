"""How long objects are kept: the values that people choose."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DAY = 86_400

IN_USE = DAY
"""Seconds for which what a job was started with is left alone: it may not have read it yet."""

ABANDONED = 8 * DAY
"""Seconds after which an upload that has not ended never will: its addresses last for 7 days."""

FORGET = 30 * DAY
"""Seconds after which the use of a cache that does not exist is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Times in seconds, sizes in bytes; 0 means no limit.

    Attributes:
        cache_expire_in: after the last use of a cache.
        cache_max_size: of the caches of a project.
        artifacts_expire_in: for what has no index that says when it expires.
        artifacts_keep_latest: for which those of the latest successful pipeline of a ref are kept
            beyond their `expire_in`; 0 does not keep them.
        artifacts_max_size: of the artifacts of a project.
    """

    cache_expire_in: float = 30 * DAY
    cache_max_size: int = 0
    artifacts_expire_in: float = 30 * DAY
    artifacts_keep_latest: float = 365 * DAY
    artifacts_max_size: int = 0


class Reason(StrEnum):
    """Why something may be deleted, or is kept although it could be."""

    EXPIRED = "expired"
    UNUSED = "not used"
    BUDGET = "over budget"
    RUNNING = "its pipeline runs"
    LATEST = "latest of its ref"
    IN_USE = "used in the last day"
    ABANDONED = "never ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What is deleted together: a cache, or an archive with its index and its results.

    Attributes:
        kind: `cache`, `artifacts`, a kind of report, or `unfinished upload`.
        project: its folder in the object store.
        keys: of the objects, in the order in which they are deleted.
        pipeline: of artifacts; 0 for a cache.
        job: as in the name of the object; of a cache, its key.
        since: when it was made or last used, in seconds since 1970.
        expire_at: None means never.
        upload: number of a multipart upload that has not ended; empty for objects.
    """

    kind: str
    project: str
    keys: tuple[str, ...]
    size: int
    since: float
    expire_at: float | None
    pipeline: int = 0
    job: str = ""
    upload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What may be deleted, and why; or why not.

    Attributes:
        problem: why it could not be deleted.
    """

    item: Item
    reason: Reason
    problem: str = ""
