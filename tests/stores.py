"""The implementations of `RecordStore` that tests compare: a folder, and one as an object store is.

`MemoryStore` has no locks and no folders. It changes a value as an object store does: read, then
store only if nobody was faster, else start over.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.records.folder import FolderStore
from gitlab_ci_provider.records.store import Change, RecordStore, check_key
from gitlab_ci_provider.snapshots.store import SnapshotStore


@dataclass(frozen=True)
class MemoryStore:
    """A `RecordStore` in this process; the lock stands for the server's one step at a time."""

    values: dict[str, bytes] = field(default_factory=dict)
    server: threading.Lock = field(default_factory=threading.Lock)

    def read(self, key: str) -> bytes | None:
        """Get an object."""
        check_key(key)
        return self.values.get(key)

    def read_blob(self, key: str) -> bytes | None:
        """Get an object."""
        return self.read(key)

    def create(self, key: str, data: bytes) -> bool:
        """Put an object, `If-None-Match: *`."""
        return self._swap(key, None, data)

    def write(self, key: str, data: bytes) -> None:
        """Put an object."""
        check_key(key)
        with self.server:
            self.values[key] = data

    def update(self, key: str, change: Change) -> bytes | None:
        """Put or delete an object, `If-Match`, until it is still what was read."""
        while True:
            before = self.read(key)
            after = change(before)
            if self._swap(key, before, after):
                return after

    def delete(self, key: str) -> None:
        """Delete an object."""
        check_key(key)
        with self.server:
            self.values.pop(key, None)

    def keys(self, prefix: str) -> Iterator[str]:
        """List objects by prefix."""
        with self.server:
            keys = sorted(key for key in self.values if key.startswith(prefix))
        yield from keys

    def versions(self, prefix: str) -> Iterator[tuple[str, str]]:
        """List objects by prefix, with their ETags."""
        return ((key, hashlib.sha256(self.values[key]).hexdigest()) for key in self.keys(prefix))

    def sweep(self) -> int:
        """Find nothing: what is deleted is gone."""
        return 0

    def location(self, key: str) -> str:
        """Name an object."""
        return f"memory:{key}"

    def _swap(self, key: str, before: bytes | None, after: bytes | None) -> bool:
        check_key(key)
        with self.server:
            if self.values.get(key) is not before:
                return False
            if after is None:
                self.values.pop(key, None)
            else:
                self.values[key] = after
            return True


STORES: dict[str, Callable[[Path], RecordStore]] = {
    "folder": FolderStore,
    "memory": lambda _: MemoryStore(),
}
"""Makes an empty store of each kind; a folder is given for it."""


def save_dag(store: SnapshotStore, record: DagRecord) -> None:
    """Store the record of a DAG, even if runs hold it."""
    store.change_dag(record.dag_id, lambda stored: store.with_record(stored, record))
