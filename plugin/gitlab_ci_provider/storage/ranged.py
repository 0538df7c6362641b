"""An object as a file that can be sought: each read fetches only what it needs.

`zipfile` reads an archive's directory from its end and then single members, so that one file of a
large archive costs a few requests.
"""

from __future__ import annotations

import io
import os
from typing import Any

from gitlab_ci_provider.storage.entry import ArchiveError
from gitlab_ci_provider.storage.shelf import ObjectShelf

BUFFER = 256 * 1024
"""Bytes of a request, at least: a zip archive's directory of a thousand files fits into one."""


class RangedObject(io.RawIOBase):
    """An object, read by ranges."""

    def __init__(self, shelf: ObjectShelf, key: str):
        super().__init__()
        self._shelf = shelf
        self._key = key
        self._size = shelf.size(key)
        self._at = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be sought."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fetch what fills a buffer."""
        view = memoryview(buffer)
        length = min(len(view), self._size - self._at)
        found = self._shelf.read(self._key, self._at, length) if length > 0 else b""
        view[: len(found)] = found
        self._at += len(found)
        return len(found)


class LimitedReader(io.BufferedReader):
    """A file of which no more than so many bytes are read at once.

    An archive may say that its directory has as many bytes as itself, and `zipfile` reads it whole.
    """

    def __init__(self, source: io.RawIOBase, most: int | None):
        super().__init__(source, BUFFER)
        self._most = most

    def read(self, size: int | None = -1) -> bytes:
        """Read bytes.

        Raises:
            ArchiveError: they are too many.
        """
        if self._most is None:
            return super().read(size)
        wanted = self._most + 1 if size is None or size < 0 else size
        found = super().read(wanted) if wanted <= self._most + 1 else None
        if found is None or len(found) > self._most:
            raise ArchiveError(f"its directory has more than {self._most} bytes")
        return found


def opened(shelf: ObjectShelf, key: str, most: int | None = None) -> io.BufferedReader:
    """Open an object as a file, of which at most `most` bytes are read at once.

    Raises:
        MissingObjectError: there is no such object.
    """
    return LimitedReader(RangedObject(shelf, key), most)
