"""The object store of an embedded stack that is stopped: its folder, read without a server."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.storage.base import MissingObjectError
from gitlab_ci_provider.storage.shelf import StoredObject, below

_UNFINISHED = ".rclone_temp_put_"


@dataclass(frozen=True, slots=True)
class FolderShelf:
    """A bucket whose objects are files: a key is a path. Use it only while no server does."""

    folder: Path

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """List all objects whose keys begin with a prefix, by key."""
        start = below(self.folder, prefix.rpartition("/")[0])
        found = []
        for place, _, names in os.walk(start):
            for name in names:
                path = Path(place, name)
                key = path.relative_to(self.folder).as_posix()
                if key.startswith(prefix) and not name.startswith(_UNFINISHED):
                    status = path.stat()
                    found.append(
                        StoredObject(key=key, size=status.st_size, changed=status.st_mtime)
                    )
        yield from sorted(found, key=lambda stored: stored.key)

    def folders(self, prefix: str) -> Iterator[str]:
        """List the names that follow a prefix up to the next slash."""
        parent, _, begin = prefix.rpartition("/")
        start = below(self.folder, parent)
        found = start.iterdir() if start.is_dir() else ()
        names = sorted(path.name for path in found if path.is_dir())
        yield from (name[len(begin) :] for name in names if name.startswith(begin))

    def unfinished(self, prefix: str) -> Iterator[StoredObject]:  # noqa: ARG002 - as the protocol
        """Find nothing: files are not stored in parts."""
        yield from ()

    def give_up(self, key: str, upload: str) -> str:  # noqa: ARG002 - as the protocol
        """Have nothing to do."""
        return ""

    def size(self, key: str) -> int:
        """Return the size of an object."""
        return self._path(key).stat().st_size

    def read(self, key: str, start: int, length: int) -> bytes:
        """Read a part of an object."""
        with self._path(key).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def delete(self, keys: Iterable[str]) -> dict[str, str]:
        """Delete objects and the folders that are empty then."""
        problems = {}
        for key in keys:
            path = below(self.folder, key)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                problems[key] = error.strerror or str(error)
            else:
                self._remove_empty(path.parent)
        return problems

    def address(self, key: str, name: str) -> str:  # noqa: ARG002 - there is no server
        """Return nothing: no server answers."""
        return ""

    def _path(self, key: str) -> Path:
        path = below(self.folder, key)
        if not path.is_file():
            raise MissingObjectError(f"cannot fetch {key}: there is no such object")
        return path

    def _remove_empty(self, folder: Path) -> None:
        while folder != self.folder:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent
