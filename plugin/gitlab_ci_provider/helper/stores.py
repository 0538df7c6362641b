"""The object stores of a plan: one for all, or that of the runner for caches and another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.model.plan import Grant, JobPlan, StorePlace
from gitlab_ci_provider.storage.base import Again, Progress, unwatched
from gitlab_ci_provider.storage.granted import GrantedStore
from gitlab_ci_provider.storage.multipart import PartedUpload
from gitlab_ci_provider.storage.object_store import ObjectStore


class PlannedStore:
    """Gets and puts objects where the plan says that they are."""

    def __init__(self, plan: JobPlan):
        self._cache_keys = plan.cache_keys
        seconds = dict.fromkeys(self._cache_keys, plan.cache_seconds) if plan.cache_seconds else {}
        self._main = _opened(plan.store, plan, seconds)
        self._caches = _opened(plan.cache_store, plan, seconds) if plan.cache_store else self._main

    def get(self, key: str, path: Path, progress: Progress = unwatched) -> None:
        """Fetch an object."""
        self._of(key).get(key, path, progress)

    def put(self, key: str, path: Path, progress: Progress = unwatched) -> None:
        """Store a file."""
        self._of(key).put(key, path, progress)

    def begin(self, key: str, again: Again) -> PartedUpload | None:
        """Store an object while it is made."""
        return self._of(key).begin(key, again)

    def give_up_unused(self) -> None:
        """Give up what was begun and is not needed."""
        for store in (self._main, self._caches):
            if store is not None:
                store.give_up_unused()

    def _of(self, key: str) -> ObjectStore:
        store = self._caches if key in self._cache_keys else self._main
        if store is None:
            raise StorageError("this job's plan names no object store")
        return store


def _opened(
    place: StorePlace | None, plan: JobPlan, seconds: Mapping[str, float]
) -> GrantedStore | None:
    reads: Sequence[Grant] = plan.reads
    return GrantedStore(place, reads, plan.writes, seconds, plan.parted) if place else None
