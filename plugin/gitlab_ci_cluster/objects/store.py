"""The objects of the cluster, in memory, with a bounded history for watches."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from gitlab_ci_cluster.objects import errors
from gitlab_ci_cluster.objects.meta import Obj, is_deleting, key_of, with_metadata
from gitlab_ci_cluster.objects.resources import RESOURCES, Resource

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]

_HISTORY = 4096
"""Changes kept for each kind; a watch that falls further behind gets 410."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step in the life of an object; `before` is None for a new one."""

    version: int
    type: ChangeType
    resource: Resource
    obj: Obj
    before: Obj | None


Listener = Callable[[Change], None]


class _Shelf:
    """The objects of one kind."""

    def __init__(self, forgotten: int) -> None:
        self.objects: dict[tuple[str, str], Obj] = {}
        self.history: list[Change] = []
        self.forgotten = forgotten
        self.changed: asyncio.Future[None] | None = None


class Store:
    """All objects. Every method but `wait` is atomic: it never awaits.

    Args:
        version: where to begin. Later than any version of an earlier cluster, so that its
            clients learn that the history is gone instead of waiting for a future version.
    """

    def __init__(self, version: int) -> None:
        self._shelves = {plural: _Shelf(version) for plural in RESOURCES}
        self._listeners: list[Listener] = []
        self.version = version

    def listen(self, listener: Listener) -> None:
        """Register a function to call after each change, in order; it may change the store."""
        self._listeners.append(listener)

    def find(self, resource: Resource, namespace: str, name: str) -> Obj | None:
        """Look an object up."""
        return self._shelves[resource.plural].objects.get((namespace, name))

    def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        """Get an object.

        Raises:
            ApiError: there is none.
        """
        obj = self.find(resource, namespace, name)
        if obj is None:
            raise errors.not_found(resource.plural, name)
        return obj

    def all(self, resource: Resource, namespace: str | None = None) -> list[Obj]:
        """List objects by namespace and name; None means all namespaces."""
        objects = self._shelves[resource.plural].objects
        keys = sorted(key for key in objects if namespace is None or key[0] == namespace)
        return [objects[key] for key in keys]

    def everything(self) -> Iterator[tuple[Resource, Obj]]:
        """Iterate over all objects."""
        for plural, shelf in self._shelves.items():
            for obj in list(shelf.objects.values()):
                yield RESOURCES[plural], obj

    def create(self, resource: Resource, obj: Obj) -> Obj:
        """Add an object.

        Raises:
            ApiError: the name is taken.
        """
        key = key_of(obj)
        existing = self._shelves[resource.plural].objects.get(key)
        if existing is not None:
            raise errors.already_exists(resource.plural, key[1], deleting=is_deleting(existing))
        return self._commit(resource, "ADDED", obj, None)

    def update(self, resource: Resource, obj: Obj) -> Obj:
        """Replace an object; do nothing when nothing differs.

        Raises:
            ApiError: it no longer exists, or another object has its name now.
        """
        before = self.get(resource, *key_of(obj))
        if before["metadata"]["uid"] != obj["metadata"]["uid"]:
            raise errors.not_found(resource.plural, key_of(obj)[1])
        version = before["metadata"]["resourceVersion"]
        if with_metadata(obj, resourceVersion=version) == before:
            return before
        return self._commit(resource, "MODIFIED", obj, before)

    def remove(self, resource: Resource, namespace: str, name: str) -> Obj:
        """Remove an object.

        Raises:
            ApiError: there is none.
        """
        before = self.get(resource, namespace, name)
        return self._commit(resource, "DELETED", before, before)

    def changes(self, resource: Resource, after: int) -> list[Change]:
        """List the changes after a version.

        Raises:
            ApiError: 410, they are no longer kept.
        """
        shelf = self._shelves[resource.plural]
        if after < shelf.forgotten:
            raise errors.expired(after, shelf.forgotten + 1)
        return shelf.history[
            bisect_right(shelf.history, after, key=lambda change: change.version) :
        ]

    def has_changes(self, resource: Resource, after: int) -> bool:
        """Return whether there are changes after a version."""
        history = self._shelves[resource.plural].history
        return bool(history) and history[-1].version > after

    async def wait(self, *resources: Resource, seconds: float | None = None) -> None:
        """Wait for the next change of some kinds, at most `seconds`."""
        futures = []
        for resource in resources:
            shelf = self._shelves[resource.plural]
            if shelf.changed is None:
                shelf.changed = asyncio.get_running_loop().create_future()
            futures.append(shelf.changed)
        await asyncio.wait(futures, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    def _commit(
        self, resource: Resource, change_type: ChangeType, obj: Obj, before: Obj | None
    ) -> Obj:
        self.version += 1
        obj = with_metadata(obj, resourceVersion=str(self.version))
        shelf = self._shelves[resource.plural]
        if change_type == "DELETED":
            del shelf.objects[key_of(obj)]
        else:
            shelf.objects[key_of(obj)] = obj
        change = Change(self.version, change_type, resource, obj, before)
        self._record(shelf, change)
        for listener in self._listeners:
            listener(change)
        return obj

    def _record(self, shelf: _Shelf, change: Change) -> None:
        shelf.history.append(change)
        if len(shelf.history) > _HISTORY:
            surplus = _HISTORY // 2
            shelf.forgotten = shelf.history[surplus - 1].version
            del shelf.history[:surplus]
        if shelf.changed is not None:
            shelf.changed.set_result(None)
            shelf.changed = None
