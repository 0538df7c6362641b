"""Reads files of a working copy that a stranger has written, without following its traps.

The helper has credentials and the job had the working copy, so a path must not become a link to
the helper's own files between check and use: see `folders.py`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, Self

from gitlab_ci_provider.storage.entry import Entry, entry_of
from gitlab_ci_provider.storage.folders import Folders

_NEITHER = "neither a file, a directory nor a symbolic link"
CHUNK = 1024 * 1024
"""Bytes; smaller files are read whole."""

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Found(NamedTuple):
    """What a path is.

    Attributes:
        descriptor: of a regular file, open; else -1.
    """

    path: str
    status: os.stat_result
    target: str
    descriptor: int

    def entry(self) -> Entry:
        """Describe it."""
        return entry_of(self.path, self.status, self.target)

    def read_whole(self) -> bytes:
        """Read a small file, whatever its size is by now, but no more than a chunk."""
        contents = os.read(self.descriptor, self.status.st_size + 1)
        while len(contents) < CHUNK and len(contents) != self.status.st_size:
            more = os.read(self.descriptor, CHUNK - len(contents))
            if not more:
                break
            contents += more
        return contents

    def pieces(self) -> Iterator[bytes]:
        """Read a large file, at most up to the size that it had at first."""
        left = self.status.st_size
        while contents := os.read(self.descriptor, min(left, CHUNK)):
            yield contents
            left -= len(contents)


class TreeReader:
    """Opens files below one folder; use as a context manager.

    Args:
        warn: called for what cannot be archived: sockets, devices and the like.
    """

    def __init__(self, root: Path, warn: Callable[[str], None]):
        self._folders = Folders(os.fspath(root))
        self._warn = warn

    def __enter__(self) -> Self:
        """Open the root."""
        self._folders.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Close what is open."""
        self._folders.__exit__()

    def entries(self, paths: Iterable[str]) -> Iterator[tuple[Entry, IO[bytes] | None]]:
        """Yield each path's entry, and its contents when it is a file.

        The contents are open until the next entry is requested.
        """
        for found in self.find(paths):
            if found.descriptor < 0:
                yield found.entry(), None
            else:
                with open(found.descriptor, "rb", closefd=False) as contents:
                    yield found.entry(), contents

    def find(self, paths: Iterable[str]) -> Iterator[Found]:
        """Look paths up and open the files; each is closed when the next one is requested.

        Sorted paths are read fastest.
        """
        enter = self._folders.enter
        for path in paths:
            folder, _, name = path.rpartition("/")
            parent = enter(folder)
            status = os.lstat(name, dir_fd=parent)
            mode = status.st_mode
            if stat.S_ISREG(mode):
                descriptor = os.open(name, _FILE, dir_fd=parent)
                try:
                    status = os.fstat(descriptor)
                    if stat.S_ISREG(status.st_mode):
                        yield Found(path, status, "", descriptor)
                    else:  # exchanged in between
                        self._warn(f"{path}: left out: {_NEITHER}")
                finally:
                    os.close(descriptor)
            elif stat.S_ISLNK(mode):
                yield Found(path, status, os.readlink(name, dir_fd=parent), -1)
            elif stat.S_ISDIR(mode):
                yield Found(path, status, "", -1)
            else:
                self._warn(f"{path}: left out: {_NEITHER}")
