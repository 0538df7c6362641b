"""Copies of values that never change, on this machine: each is fetched once.

A copy is believed only if its key is its digest: half a file, or one that somebody has changed, is
fetched again. What an object store gives under such a key is checked in the same way.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.serialization import digest
from gitlab_ci_provider.records.store import Change, RecordStore

_log = logging.getLogger(__name__)

_DIGEST = re.compile(r"(?:.*/)?([0-9a-f]{64})\.json")


@dataclass(frozen=True, slots=True)
class CopiedStore:
    """A `RecordStore` that answers `read_blob` from copies.

    Attributes:
        store: of all values.
        copies: of this machine; it may be lost at any time.
    """

    store: RecordStore
    copies: RecordStore

    def read(self, key: str) -> bytes | None:
        """Read a value where it is."""
        return self.store.read(key)

    def read_blob(self, key: str) -> bytes | None:
        """Read a copy, or make one.

        Raises:
            StateError: what is stored is not what its key says.
        """
        named = _DIGEST.fullmatch(key)
        if named is None:
            return self.store.read_blob(key)
        copy = self._copy(key)
        if copy is not None and digest(copy) == named[1]:
            return copy
        data = self.store.read_blob(key)
        if data is not None:
            if digest(data) != named[1]:
                raise StateError(f"{self.location(key)} is damaged: delete it, then sync again")
            self._keep(key, data)
        return data

    def create(self, key: str, data: bytes) -> bool:
        """Store a value unless there is one, and keep a copy of one that never changes."""
        made = self.store.create(key, data)
        named = _DIGEST.fullmatch(key)
        if named is not None and digest(data) == named[1]:
            self._keep(key, data)
        return made

    def write(self, key: str, data: bytes) -> None:
        """Store a value where it is."""
        self.store.write(key, data)

    def update(self, key: str, change: Change) -> bytes | None:
        """Change a value where it is."""
        return self.store.update(key, change)

    def delete(self, key: str) -> None:
        """Remove a value; copies of it may stay."""
        self.store.delete(key)

    def keys(self, prefix: str) -> Iterator[str]:
        """List what is stored, not the copies."""
        return self.store.keys(prefix)

    def versions(self, prefix: str) -> Iterator[tuple[str, str]]:
        """List what is stored, not the copies."""
        return self.store.versions(prefix)

    def sweep(self) -> int:
        """Sweep what is stored."""
        return self.store.sweep()

    def location(self, key: str) -> str:
        """Name the value, not its copy."""
        return self.store.location(key)

    def _copy(self, key: str) -> bytes | None:
        try:
            return self.copies.read(key)
        except StateError as problem:
            _log.debug("%s", problem)
            return None

    def _keep(self, key: str, data: bytes) -> None:
        try:
            self.copies.write(key, data)
        except StateError as problem:  # a full disk costs time, nothing else
            _log.warning("cannot keep a copy: %s", problem)
