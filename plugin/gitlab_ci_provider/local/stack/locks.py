"""Locks on files: held for a while, or checked. The kernel frees a lock when its process dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def hold(path: Path, *, shared: bool = False) -> Iterator[IO[str]]:
    """Wait for a lock and hold it; several can hold it at the same time if all of them share it."""
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield file


def is_held(path: Path) -> bool:
    """Return whether a process holds a lock; to check, the lock is taken for a moment."""
    if not path.exists():
        return False
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
