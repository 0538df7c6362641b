"""What a job may do with the object store, and how it can fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from gitlab_ci_provider.exceptions import StorageError


class StorageUnavailableError(StorageError):
    """The store could not be reached, or failed: a retry may help."""


class MissingObjectError(StorageError):
    """There is no object with this key."""


Progress = Callable[[int, int], None]
"""Told of bytes that have been transferred, and of how many there are in all; 0 if not known."""


def unwatched(_moved: int, _total: int) -> None:
    """Take no notice."""


class ObjectStore(Protocol):
    """Objects by key, as a job needs them.

    Every method raises StorageError when the store refuses or fails.
    """

    def get(self, key: str, path: Path, progress: Progress = unwatched) -> None:
        """Write an object to a file; it appears only when it is complete, with the object's time.

        Raises:
            MissingObjectError: there is no such object.
        """

    def put(self, key: str, path: Path, progress: Progress = unwatched) -> None:
        """Store a file as an object, atomically: after a failure the old object is still there."""
