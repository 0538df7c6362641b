"""Which caches and artifacts jobs were started with, and when: what retention goes by.

A job notes what it uses before its pod exists. Retention takes an object out of use, by the same
key, before it deletes it. Of both at the same time, one sees the other. Keys::

    uses/caches/<folder>/<cache>             a CacheUse, by the folder and the name of the object
    uses/cache-index/<project>               how often the caches of a project were cleared
    uses/artifacts/<thousand>/<pipeline>     an ArtifactsUse
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from gitlab_ci_provider.model.uses import ArtifactsUse, CacheUse
from gitlab_ci_provider.records.numbers import numbered_key
from gitlab_ci_provider.records.store import RecordStore, key_name, read_document, update_document

_CACHES = "uses/caches/"
_INDEXES = "uses/cache-index/"
_ARTIFACTS = "uses/artifacts/"

_OFTEN = 600
"""Seconds: a thousand jobs of a run with one cache need not all note it."""


class _InUseError(Exception):
    """A job was started with it since."""


@dataclass(frozen=True, slots=True)
class Uses:
    """The uses of an installation."""

    store: RecordStore

    def note_caches(self, uses: Iterable[CacheUse]) -> None:
        """Note that a job is about to use caches."""
        for use in uses:
            key = _cache_key(use.object_key)
            known = read_document(self.store, key, CacheUse)
            if known is None or known.run != use.run or use.used_at - known.used_at > _OFTEN:
                update_document(self.store, key, CacheUse, partial(_newer, use=use))

    def caches(self, folder: str = "") -> dict[str, CacheUse]:
        """List the caches that jobs have used, by the keys of their objects.

        Args:
            folder: only those in this folder of the object store.
        """
        keys = self.store.keys(f"{_CACHES}{key_name(folder.rstrip('/'))}/" if folder else _CACHES)
        found = (read_document(self.store, key, CacheUse) for key in keys)
        return {use.object_key: use for use in found if use}

    def drop_cache(self, object_key: str, before: float) -> bool:
        """Take a cache out of use; False when a job was started with it at `before` or later."""

        def change(known: CacheUse | None) -> None:
            if known is not None and known.used_at >= before:
                raise _InUseError

        try:
            update_document(self.store, _cache_key(object_key), CacheUse, change)
        except _InUseError:
            return False
        return True

    def cache_index(self, project: str) -> int:
        """Return how often the caches of a project were cleared: part of their keys, if ever."""
        return int(self.store.read(_INDEXES + key_name(project)) or 0)

    def clear_caches(self, project: str) -> int:
        """Give the caches of a project other keys: no job restores an earlier one any more."""
        data = self.store.update(
            _INDEXES + key_name(project), lambda known: str(int(known or 0) + 1).encode()
        )
        return int(data or 0)

    def artifacts(self, pipeline: int) -> ArtifactsUse:
        """Read when artifacts of a pipeline were used and deleted."""
        key = numbered_key(_ARTIFACTS, pipeline)
        return read_document(self.store, key, ArtifactsUse) or ArtifactsUse()

    def note_artifacts(self, pipeline: int, now: float) -> None:
        """Note that a job is about to download artifacts of a pipeline."""

        def change(known: ArtifactsUse | None) -> ArtifactsUse:
            known = known or ArtifactsUse()
            return replace(known, used_at=max(now, known.used_at))

        if now - self.artifacts(pipeline).used_at > _OFTEN:
            update_document(self.store, numbered_key(_ARTIFACTS, pipeline), ArtifactsUse, change)

    def drop_artifacts(self, pipeline: int, before: float, now: float) -> bool:
        """Take artifacts out of use; False when a job was started with some since `before`."""

        def change(known: ArtifactsUse | None) -> ArtifactsUse:
            if known is not None and known.used_at >= before:
                raise _InUseError
            return replace(known or ArtifactsUse(), pruned_at=now)

        key = numbered_key(_ARTIFACTS, pipeline)
        try:
            update_document(self.store, key, ArtifactsUse, change)
        except _InUseError:
            return False
        return True


def _cache_key(object_key: str) -> str:
    folder, _, name = object_key.rpartition("/")
    return f"{_CACHES}{key_name(folder)}/{key_name(name)}"


def _newer(known: CacheUse | None, use: CacheUse) -> CacheUse:
    return use if known is None or use.used_at > known.used_at else known
