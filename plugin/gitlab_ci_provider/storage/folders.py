"""The folders on the way to a path, each opened from the one before it and never through a link.

A path is looked up once: one that is exchanged for a link after that changes nothing. Folders
stay open until a path leaves them, because archives go through a tree from folder to folder.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Self

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class OutsideError(PermissionError):
    """A link on the way to a folder leads out of the root."""


class Folders:
    """Opens folders below a root; use as a context manager.

    Args:
        root: its own path may contain links.
        make: make folders that do not exist, also in place of files and of links to nowhere.

    Attributes:
        made: these folders, relative to the root.
    """

    def __init__(self, root: str, *, make: bool = False):
        self.root = os.path.realpath(root)
        self.made: list[str] = []
        self._make = make
        self._entered = ""
        self._parts: list[str] = []
        self._open: list[int] = []

    def __enter__(self) -> Self:
        """Open the root."""
        if self._make:
            Path(self.root).mkdir(parents=True, exist_ok=True)
        self._open = [os.open(self.root, _FOLDER)]
        return self

    def __exit__(self, *_: object) -> None:
        """Close all."""
        self._leave(0)

    def enter(self, folder: str) -> int:
        """Return the descriptor of a folder, valid until the next call.

        Args:
            folder: relative to the root; empty for the root.

        Raises:
            OutsideError: a link leads out of the root.
            OSError: it is not a folder, or it cannot be opened.
        """
        if folder == self._entered:
            return self._open[-1]
        parts = folder.split("/") if folder else []
        if ".." in parts:
            return self._enter_otherwise(folder)
        self._leave(1 + _shared(self._parts, parts))
        for part in parts[len(self._parts) :]:
            try:
                reached = os.open(part, _FOLDER, dir_fd=self._open[-1])
            except OSError:
                return self._enter_otherwise(folder)
            self._parts.append(part)
            self._open.append(reached)
        self._entered = folder
        return self._open[-1]

    def _enter_otherwise(self, folder: str) -> int:
        """Enter a folder that a link leads to, or that is to be made."""
        self._leave(1)
        real = os.path.realpath(f"{self.root}/{folder}")
        if real != self.root and not real.startswith(f"{self.root}/"):
            raise OutsideError(f"{folder} leads outside the project, to {real}")
        try:
            for part in filter(None, real[len(self.root) :].split("/")):
                self._open.append(self._step(part))
                self._parts.append(part)
        except OSError:
            self._leave(1)
            raise
        self._entered = folder
        return self._open[-1]

    def _step(self, part: str) -> int:
        try:
            return os.open(part, _FOLDER, dir_fd=self._open[-1])
        except FileNotFoundError:
            if not self._make:
                raise
        except NotADirectoryError:
            if not self._make:
                raise
            os.unlink(part, dir_fd=self._open[-1])
        with suppress(FileExistsError):  # another process makes it, too
            os.mkdir(part, dir_fd=self._open[-1])
            self.made.append("/".join([*self._parts, part]))
        return os.open(part, _FOLDER, dir_fd=self._open[-1])

    def _leave(self, kept: int) -> None:
        """Close all but the first descriptors; nothing counts as entered then but the root."""
        while len(self._open) > kept:
            os.close(self._open.pop())
        del self._parts[max(0, kept - 1) :]
        self._entered = "/".join(self._parts)


def _shared(left: list[str], right: list[str]) -> int:
    """Count the parts that two paths begin with."""
    count = 0
    for mine, other in zip(left, right, strict=False):
        if mine != other:
            break
        count += 1
    return count
