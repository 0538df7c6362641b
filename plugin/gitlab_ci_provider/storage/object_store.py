"""The object store as the phases of a job use it; tests have others than the real one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gitlab_ci_provider.storage.base import Again, Progress, unwatched

if TYPE_CHECKING:
    from gitlab_ci_provider.storage.multipart import PartedUpload


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

    def begin(self, key: str, again: Again) -> PartedUpload | None:
        """Store an object while it is made; None when `put` has to do."""

    def give_up_unused(self) -> None:
        """Give up what was begun and is not needed."""
