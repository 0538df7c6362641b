"""State in an object store: any S3 that really honours `If-None-Match: *` and `If-Match`.

A key is created and changed by requests with a condition, so that no process overwrites what it
has not read. A request whose answer is lost may have been carried out: when it is repeated and the
condition no longer holds, the name of its writer, stored with the object, tells whose it is.

What `update` deletes becomes an empty object first, because stores ignore conditions of DELETE: a
plain one could delete what another process has just stored. `sweep` removes empty objects.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import TypeVar

from gitlab_ci_provider.exceptions import StateAwayError, StorageError
from gitlab_ci_provider.records.patience import Patience
from gitlab_ci_provider.records.store import Change, check_key, is_key, is_key_prefix
from gitlab_ci_provider.storage.base import StorageUnavailableError
from gitlab_ci_provider.storage.conditional import (
    NEW,
    ConditionalObjects,
    Found,
    Listed,
    RefusedKeysError,
)

Answer = TypeVar("Answer")

_GONE = b""

_FIRST_PAGE, _PAGE = 100, 1000
"""Of keys; most callers want the first few."""


class BucketStore:
    """A `RecordStore` in a bucket.

    Args:
        connect: reads where the store is, with its keys. Called again when keys are refused.
        patience: with a store that does not answer.
    """

    def __init__(self, connect: Callable[[], ConditionalObjects], patience: Patience):
        self._connect = connect
        self._patience = patience
        self._connected: ConditionalObjects | None = None

    def read(self, key: str) -> bytes | None:
        """Get an object."""
        found = self._get(key)
        return found.data if found and found.data else None

    def read_blob(self, key: str) -> bytes | None:
        """Get an object."""
        return self.read(key)

    def create(self, key: str, data: bytes) -> bool:
        """Put an object, `If-None-Match: *`."""
        for _ in self._patience.turns():
            if self._put(key, data, NEW):
                return True
            there = self._try(lambda objects: objects.head(key))
            if there is not None and there.size > 0:
                return False
            if there is not None and self._put(key, data, there.version):
                return True
        raise AssertionError

    def write(self, key: str, data: bytes) -> None:
        """Put an object."""
        self._put(key, data, None)

    def update(self, key: str, change: Change) -> bytes | None:
        """Put an object, `If-Match`, until it is still what was read."""
        for _ in self._patience.turns():
            found = self._get(key)
            before = found.data if found and found.data else None
            after = change(before)
            if after == before:
                return after
            if self._put(key, after or _GONE, found.version if found else NEW):
                return after
        raise AssertionError

    def delete(self, key: str) -> None:
        """Delete an object."""
        check_key(key)
        self._try(lambda objects: objects.delete(key))

    def keys(self, prefix: str) -> Iterator[str]:
        """List objects by prefix."""
        return (found.key for found in self.listed(prefix) if found.size > 0)

    def versions(self, prefix: str) -> Iterator[tuple[str, str]]:
        """List objects by prefix, with their ETags."""
        return ((found.key, found.version) for found in self.listed(prefix) if found.size > 0)

    def listed(self, prefix: str) -> Iterator[Listed]:
        """List what the store says of the objects with a prefix, also of empty ones."""
        if not is_key_prefix(prefix):
            return
        after, length = "", _FIRST_PAGE
        while found := self._page(prefix, after, length):
            yield from (listed for listed in found if is_key(listed.key))
            if len(found) < length:
                return
            after, length = found[-1].key, _PAGE

    def location(self, key: str) -> str:
        """Name the object."""
        return self._connected.location(key) if self._connected else f"the state's object {key}"

    def sweep(self) -> int:
        """Remove empty objects where the store deletes on a condition."""
        gone = [found.key for found in self.listed("") if found.size == 0]
        return sum(map(self._swept, gone))

    def _swept(self, key: str) -> bool:
        found = self._get(key)
        if found is None or found.data:
            return False
        return self._try(lambda objects: objects.delete(key, found.version))

    def _get(self, key: str) -> Found | None:
        check_key(key)
        return self._try(lambda objects: objects.get(key))

    def _put(self, key: str, data: bytes, condition: str | None) -> bool:
        check_key(key)
        writer, asked = secrets.token_hex(8), 0

        def put(objects: ConditionalObjects) -> bool:
            nonlocal asked
            asked += 1
            if objects.put(key, data, condition, writer):
                return True
            there = objects.head(key) if asked > 1 else None
            return there is not None and there.writer == writer

        return self._try(put)

    def _page(self, prefix: str, after: str, length: int) -> list[Listed]:
        return self._try(lambda objects: objects.page(prefix, after, length))

    def _try(self, work: Callable[[ConditionalObjects], Answer]) -> Answer:
        """Ask the store until it answers."""
        outage = self._patience.outage()
        while True:
            try:
                return work(self._objects())
            except StorageUnavailableError as problem:
                if not outage.wait(problem):
                    raise _away(problem) from problem
            except RefusedKeysError as problem:
                if not self._has_other_keys() and not (problem.expired and outage.wait(problem)):
                    raise _away(problem) from problem
            except StorageError as problem:
                raise _away(problem) from problem

    def _objects(self) -> ConditionalObjects:
        if self._connected is None:
            self._connected = self._connect()
        return self._connected

    def _has_other_keys(self) -> bool:
        """Read the connection again; returns whether that has changed anything."""
        before = self._connected
        self._connected = self._connect()
        return before is None or before.target != self._connected.target


def _away(problem: StorageError) -> StateAwayError:
    return StateAwayError(f"the state cannot be read or written: {problem}")
