"""The object store as its administrators see it: what is in it, parts of objects, and deleting.

Jobs never get this, see `granted.py`. The command line and retention do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One object in a listing.

    Attributes:
        size: bytes.
        changed: seconds since 1970. Not every server tells the truth: a hint only.
        upload: number of a multipart upload that has not ended; empty for an object.
    """

    key: str
    size: int
    changed: float
    upload: str = ""


class ObjectShelf(Protocol):
    """Objects by key, all below one prefix; every method raises StorageError when it fails."""

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """List all objects whose keys begin with a prefix, by key."""
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """List the names that follow a prefix up to the next slash."""
        ...

    def unfinished(self, prefix: str) -> Iterator[StoredObject]:
        """List the uploads in parts that have not ended; nobody sees objects of them."""
        ...

    def give_up(self, key: str, upload: str) -> str:
        """Forget such an upload and its parts; returns what went wrong."""
        ...

    def size(self, key: str) -> int:
        """Return the size of an object; raises MissingObjectError."""
        ...

    def read(self, key: str, start: int, length: int) -> bytes:
        """Read a part of an object, less at its end; raises MissingObjectError."""
        ...

    def delete(self, keys: Iterable[str]) -> dict[str, str]:
        """Delete objects, those that are gone already, too; returns what went wrong, by key."""
        ...

    def address(self, key: str, name: str) -> str:
        """Return an address from which a browser saves an object under a name, for an hour.

        Empty when no server answers.
        """
        ...


def below(folder: Path, key: str) -> Path:
    """Return where a folder keeps an object; keys come from the folder itself or `keys.py`."""
    return folder.joinpath(*(part for part in key.split("/") if part not in {"", ".", ".."}))
