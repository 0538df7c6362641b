"""The interface behind which all state is stored: bytes by key.

Everything that one process leaves for another goes through a `RecordStore`: pipelines, what each
DAG shows, numbers, environments, orders to cancel. It promises no more than an object store can
keep, so that nothing above it has to know where the bytes are:

| Operation | In a folder (`folder.py`) | In an object store (`bucket.py`) |
|---|---|---|
| `create` | a link to a finished file | `If-None-Match: *` |
| `update` | under a lock | `If-Match`, tried again when another process was faster |
| `write`, `delete` | rename, unlink | PUT, DELETE |
| `keys` | walk the folder | list by prefix, page by page |
| `read_blob` | read | the same, or a local copy |

Keys are ASCII names joined with `/`; no name begins with a dot, and no key is the folder of
another. Values are not empty, and have no time of change: a time that matters is in the value.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import msgspec

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.serialization import decode, encode

Value = TypeVar("Value")
Changed = TypeVar("Changed")
"""A value, or None where a change may delete it."""

DELETE = "delete it to start over"
"""The default advice for a value that cannot be read."""

Change = Callable[[bytes | None], bytes | None]
"""From the stored value of a key to its new value; None means that there is none."""


_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


class RecordStore(Protocol):
    """Stores bytes by key. All methods raise `StateError` when the store cannot be reached."""

    def read(self, key: str) -> bytes | None:
        """Read a value, whole; None when there is none."""
        ...

    def read_blob(self, key: str) -> bytes | None:
        """Read a value that never changes, because its key contains its digest.

        An implementation may answer from a copy, even after the value was deleted.
        """
        ...

    def create(self, key: str, data: bytes) -> bool:
        """Store a value unless there is one. Of several processes, exactly one gets True."""
        ...

    def write(self, key: str, data: bytes) -> None:
        """Store a value; the last one written counts."""
        ...

    def update(self, key: str, change: Change) -> bytes | None:
        """Change a value so that no other `update` of it is lost. Returns the new value.

        Args:
            key: changed only by `create` and `update`; a `write` in between could be lost.
            change: may be called more than once, must not call `update`, and may raise an
                exception to leave the value as it is.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove a value, if there is one."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Iterate over the keys with a prefix, reading only what is needed.

        Keys of one folder come in ascending order, folders of equal length of their names too.
        Keys that are created or deleted in the meantime may be listed or not.
        """
        ...

    def versions(self, prefix: str) -> Iterator[tuple[str, str]]:
        """List as `keys` does, each with a text that changes with the value."""
        ...

    def sweep(self) -> int:
        """Remove what is no value: unfinished and deleted ones. Returns how many there were."""
        ...

    def location(self, key: str) -> str:
        """Return where a value is stored, for messages."""
        ...


def read_document(
    store: RecordStore, key: str, kind: type[Value], remedy: str = DELETE
) -> Value | None:
    """Read a model value; None when there is none.

    Raises:
        StateError: it is not a `kind`; the message ends with the remedy.
    """
    data = store.read(key)
    return None if data is None else parse_document(store, key, data, kind, remedy)


def update_document(
    store: RecordStore,
    key: str,
    kind: type[Value],
    change: Callable[[Value | None], Changed],
    remedy: str = DELETE,
) -> Changed:
    """Change a model value as `RecordStore.update` does. Returns the new value.

    Raises:
        StateError: what is stored is not a `kind`.
    """
    results: list[Changed] = []

    def changed(data: bytes | None) -> bytes | None:
        before = None if data is None else parse_document(store, key, data, kind, remedy)
        after = change(before)
        results.append(after)
        if after == before:
            return data
        return None if after is None else encode(after)

    store.update(key, changed)
    return results[-1]


def parse_document(
    store: RecordStore, key: str, data: bytes, kind: type[Value], remedy: str
) -> Value:
    """Parse what was read under a key; raises as `read_document`."""
    try:
        return decode(data, kind)
    except msgspec.DecodeError as error:
        where = f"{store.location(key)} cannot be read ({error})"
        message = f"{where}; another version may have written it: {remedy}"
        raise StateError(message) from error


def is_key(key: str) -> bool:
    """Return whether this can be a key: no other file or object is mistaken for a value."""
    return all(map(_NAME.fullmatch, key.split("/")))


def is_key_prefix(prefix: str) -> bool:
    """Return whether a key can begin with this."""
    return all(map(_NAME.fullmatch, prefix.split("/")[:-1]))


def check_key(key: str) -> None:
    """Raise StateError unless this can be a key: it may come from an XCom, which people write."""
    if not is_key(key):
        raise StateError(f"{key!r} cannot be the key of a record")


def key_name(name: str) -> str:
    """Make part of a key from any name; different names give different parts."""
    slug = re.sub(r"[^a-z0-9_-]+", "-", name.lower())[:80]
    return f"{slug}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def run_name(dag_id: str, run_id: str) -> str:
    """Make part of a key from the names of an Airflow run."""
    return hashlib.sha256(f"{dag_id}\0{run_id}".encode()).hexdigest()
