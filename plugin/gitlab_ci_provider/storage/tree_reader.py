"""Reads files of a working copy that a stranger has written, without following its traps.

The helper has credentials and the job had the working copy, so a path must not become a link to
the helper's own files between check and use: every step is opened from the folder before it and
never through a link.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Self

from gitlab_ci_provider.storage.entry import Entry, entry_of

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class TreeReader:
    """Opens files below one folder; use as a context manager.

    Args:
        warn: called for what cannot be archived: sockets, devices and the like.
    """

    def __init__(self, root: Path, warn: Callable[[str], None]):
        self._root = os.path.realpath(root)
        self._warn = warn
        self._folder = ""
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Open the root."""
        self._descriptor = os.open(self._root, _FOLDER)
        return self

    def __exit__(self, *_: object) -> None:
        """Close what is open."""
        os.close(self._descriptor)

    def entries(self, paths: Iterable[str]) -> Iterator[tuple[Entry, IO[bytes] | None]]:
        """Yield each path's entry, and its contents when it is a file.

        The contents are open until the next entry is requested. Sorted paths are read fastest.
        """
        for path in paths:
            with self._open(path) as found:
                if found is not None:
                    yield found

    @contextmanager
    def _open(self, path: str) -> Iterator[tuple[Entry, IO[bytes] | None] | None]:
        folder, name = posixpath.split(path)
        self._enter(folder)
        entry = entry_of(path, os.lstat(name, dir_fd=self._descriptor))
        if entry.is_link:
            yield replace(entry, target=os.readlink(name, dir_fd=self._descriptor)), None
        elif entry.is_folder:
            yield entry, None
        elif entry.is_file:
            descriptor = os.open(name, _FILE, dir_fd=self._descriptor)
            with open(descriptor, "rb") as contents:
                yield entry_of(path, os.fstat(descriptor)), contents
        else:
            self._warn(f"{path}: left out: neither a file, a directory nor a symbolic link")
            yield None

    def _enter(self, folder: str) -> None:
        """Make a folder the current one. Links on the way may lead elsewhere in the project."""
        if folder == self._folder:
            return
        real = os.path.realpath(os.path.join(self._root, folder))
        if real != self._root and not real.startswith(f"{self._root}/"):
            raise PermissionError(f"{folder} leads outside the project")
        reached = os.open(self._root, _FOLDER)
        for part in real[len(self._root) :].split("/"):
            if part:
                before = reached
                try:
                    reached = os.open(part, _FOLDER, dir_fd=before)
                finally:
                    os.close(before)
        os.close(self._descriptor)
        self._descriptor, self._folder = reached, folder
