"""Locks on files: held for a while, or looked at. The kernel frees one when its process dies."""

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
    """Tell whether somebody holds a lock, which takes it for a moment when nobody does."""
    if not path.exists():
        return False
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
