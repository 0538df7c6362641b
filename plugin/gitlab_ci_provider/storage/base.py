"""What an object store can do; everything else is built on this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gitlab_ci_provider.exceptions import StorageError


class StorageUnavailableError(StorageError):
    """The store could not be reached, or failed: trying again may help."""


class MissingObjectError(StorageError):
    """There is no object with this key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """One object.

    Attributes:
        size: bytes.
        modified: seconds since 1970.
    """

    key: str
    size: int
    modified: float


class ObjectStore(Protocol):
    """Objects by key. Every method raises StorageError when the store refuses or fails."""

    def get(self, key: str, path: Path) -> None:
        """Write an object to a file; the file appears only once it is whole.

        Raises:
            MissingObjectError: there is no such object.
        """

    def put(self, key: str, path: Path) -> None:
        """Make an object of a file, at once: until then, and after a failure, the old one stays."""

    def head(self, key: str) -> ObjectInfo | None:
        """Look at an object; None when it does not exist."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """List the objects whose keys start with a text, ordered by key."""

    def delete(self, key: str) -> None:
        """Remove an object; one that does not exist is no error."""
