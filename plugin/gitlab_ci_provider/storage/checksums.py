"""Checksums of archives: made when one is packed, compared when it is fetched.

The SHA-256 of an archive goes to later jobs with the job's result, not through the object store:
what is changed there is noticed. Single files are read by ranges, so for them the index has the
CRC-32 of each, which `zipfile` compares with what it reads.
"""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

from gitlab_ci_provider.storage.entry import ArchiveError

_AT_MOST = 8
"""Pieces of an archive that wait for their turn."""


class RunningDigest:
    """The SHA-256 of what is being written, computed in a thread; use as a context manager."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._pool = ThreadPoolExecutor(1, "sha256")
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)

    def update(self, data: bytes) -> None:
        """Add bytes; many small pieces cost more than few large ones."""
        self._waiting.append(self._pool.submit(self._digest.update, data))
        self._take(_AT_MOST)

    def hexdigest(self) -> str:
        """Return the sum of all bytes so far."""
        self._take(0)
        return self._digest.hexdigest()

    def _take(self, kept: int) -> None:
        while len(self._waiting) > kept:
            self._waiting.popleft().result()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path, expected: str, name: str) -> None:
    """Compare a file that was fetched with what was stored.

    Args:
        path: of the file.
        expected: its SHA-256; empty when that is not known.
        name: of the object, for the message.

    Raises:
        ArchiveError: it is another one.
    """
    if expected and (found := sha256_of(path)) != expected:
        words = "its checksum does not match: it was damaged or replaced in the object store"
        raise ArchiveError(f"{name}: {words} (SHA-256 {found[:12]}..., not {expected[:12]}...)")
