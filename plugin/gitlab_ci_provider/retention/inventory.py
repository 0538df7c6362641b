"""What is in the object store, as things that are deleted together, with their times.

Artifacts say in their index when they expire. Only the beginning of an index is read: it may list
a hundred thousand files. What has no index, because its job died in between, expires as artifacts
without `expire_in` do. Objects that this package has not made are never listed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.uses import CacheUse
from gitlab_ci_provider.retention.policy import Item, Policy
from gitlab_ci_provider.storage.base import MissingObjectError
from gitlab_ci_provider.storage.keys import CACHE_SUFFIX
from gitlab_ci_provider.storage.shelf import ObjectShelf, StoredObject

_log = logging.getLogger(__name__)

CACHES, ARTIFACTS = "project/", "artifacts/"

_NAME = re.compile(
    r"artifacts/(?P<project>.+)/(?P<pipeline>\d+)/(?P<job>[^/]+)/(?P<attempt>\d+)/"
    r"(?P<rest>artifacts\.zip|artifacts\.zip\.index\.json|dotenv\.json|reports/[^/]+)"
)
_KIND = re.compile(r"reports/(?P<kind>.+?)(?:\.zip|\.zip\.index\.json|\.json)")
_HEAD = 16 * 1024
_TIMES = re.compile(rb'"created":(?P<created>\d+),"expire_at":(?P<expire_at>\d+|null),"files":\[')
"""In names, quotes are escaped: no job can write this into the texts before it."""

_AT_ONCE = 16

Find = Callable[[int], PipelineEntry | None]
Tell = Callable[[str, int], None]
"""Told what is counted, and how many so far."""


@dataclass(frozen=True, slots=True)
class _Group:
    """The objects of one kind of one try of a job."""

    project: str
    pipeline: int
    job: str
    kind: str
    objects: tuple[StoredObject, ...]

    @property
    def index(self) -> str:
        """Return the key of its index; empty when there is none."""
        found = [stored.key for stored in self.objects if stored.key.endswith(".zip.index.json")]
        return found[0] if found else ""


def caches(
    shelf: ObjectShelf, prefix: str, uses: dict[str, CacheUse], policy: Policy, tell: Tell
) -> Iterator[Item]:
    """List the caches; one whose use is not known counts as used now, see `unknown_caches`."""
    for count, stored in enumerate(shelf.objects(prefix), start=1):
        tell("caches", count)
        use = uses.get(stored.key)
        if use is None or not stored.key.endswith(CACHE_SUFFIX):
            continue
        folder, _, name = stored.key.removeprefix(CACHES).rpartition("/")
        expires = use.used_at + policy.cache_expire_in if policy.cache_expire_in else None
        yield Item(
            kind="cache",
            project=folder,
            keys=(stored.key,),
            size=stored.size,
            since=use.used_at,
            expire_at=expires,
            job=name.removesuffix(CACHE_SUFFIX),
        )


def unknown_caches(
    shelf: ObjectShelf, prefix: str, uses: dict[str, CacheUse]
) -> Iterator[StoredObject]:
    """List the caches of which no use is known: of an earlier version, or of a lost state."""
    for stored in shelf.objects(prefix):
        if stored.key.endswith(CACHE_SUFFIX) and stored.key not in uses:
            yield stored


def unfinished(shelf: ObjectShelf, prefix: str) -> Iterator[Item]:
    """List the uploads in parts that have not ended, if the store and its keys allow it."""
    try:
        for stored in shelf.unfinished(prefix):
            yield Item(
                kind="unfinished upload",
                project=stored.key.rpartition("/")[0],
                keys=(stored.key,),
                size=0,
                since=stored.changed,
                expire_at=None,
                job=stored.key.rpartition("/")[2],
                upload=stored.upload,
            )
    except StorageError as problem:
        _log.warning("uploads that never ended are not deleted: %s", problem)


def artifacts(
    shelf: ObjectShelf, prefix: str, find: Find, policy: Policy, tell: Tell
) -> Iterator[Item]:
    """List the archives of artifacts and reports."""
    groups = _groups(shelf, prefix)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        times = pool.map(lambda group: _times(shelf, group.index), groups)
        pipeline: tuple[int, float] = (0, 0)
        for count, (group, found) in enumerate(zip(groups, times, strict=True), start=1):
            tell("archives", count)
            if pipeline[0] != group.pipeline:
                pipeline = (group.pipeline, _created(find(group.pipeline), group))
            created, expire_at = found or (pipeline[1], _usual(pipeline[1], policy))
            yield Item(
                kind=group.kind,
                project=group.project,
                keys=_in_order(group.objects),
                size=sum(stored.size for stored in group.objects),
                since=created,
                expire_at=expire_at,
                pipeline=group.pipeline,
                job=group.job,
            )


def _groups(shelf: ObjectShelf, prefix: str) -> list[_Group]:
    """Put the objects of an archive together; listings are sorted, and their names begin alike."""
    found = [(name, stored) for stored in shelf.objects(prefix) if (name := _parsed(stored))]
    found.sort(key=lambda pair: pair[0])
    return [
        _Group(project, pipeline, job, kind, tuple(stored for _, stored in group))
        for (project, pipeline, job, _, kind), group in groupby(found, key=lambda pair: pair[0])
    ]


def _parsed(stored: StoredObject) -> tuple[str, int, str, int, str] | None:
    name = _NAME.fullmatch(stored.key)
    if name is None:
        return None
    kind = _KIND.fullmatch(name["rest"])
    if kind is None and name["rest"].startswith("reports/"):
        return None
    word = kind["kind"] if kind else "dotenv" if name["rest"] == "dotenv.json" else "artifacts"
    return name["project"], int(name["pipeline"]), name["job"], int(name["attempt"]), word


def _times(shelf: ObjectShelf, index: str) -> tuple[float, float | None] | None:
    """Read when an archive was made and when it expires; None when its index does not tell."""
    if not index:
        return None
    try:
        found = _TIMES.search(shelf.read(index, 0, _HEAD))
        if found is None:
            found = _TIMES.search(shelf.read(index, 0, shelf.size(index)))
    except MissingObjectError:
        return None
    if found is None:
        return None
    expires = found["expire_at"]
    return float(found["created"]), None if expires == b"null" else float(expires)


def _created(entry: PipelineEntry | None, group: _Group) -> float:
    if entry is None:
        return max(stored.changed for stored in group.objects)
    return datetime.fromisoformat(entry.created_at).timestamp()


def _usual(created: float, policy: Policy) -> float | None:
    return created + policy.artifacts_expire_in if policy.artifacts_expire_in else None


def _in_order(objects: Iterable[StoredObject]) -> tuple[str, ...]:
    """Put the index last: while it is there, what is left of an interrupted prune is known."""
    keys = [stored.key for stored in objects]
    return tuple(sorted(keys, key=lambda key: key.endswith(".zip.index.json")))
