"""Notices changes at once, at almost no cost.

Airflow's loops ask the database again and again whether there is work. Every commit changes the
file of SQLite's write-ahead log: checking that file is a thousand times cheaper.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Mark = tuple[tuple[int, int], ...]
Wait = Callable[[float], object]

_LOOK_SECONDS = 0.05
"""Seconds between two checks: an event waits for half of that on average."""

_IDLE_LOOK_SECONDS = 0.2
"""The same after a long time without changes, when the wait is at its maximum."""

_FIRST_SECONDS = 0.1
_GROWTH = 1.5


@dataclass(slots=True)
class Changes:
    """Waits for a change of some files, longer and longer while there is none.

    Attributes:
        longest: seconds to wait at most. What is due at some time, such as a retry, is noticed late
            by a fraction of its own delay, and never by more than `longest`.
    """

    paths: tuple[Path, ...]
    longest: float
    _seen: Mark = ()
    _seconds: float = field(default=_FIRST_SECONDS)

    def wait(self, wait: Wait = time.sleep, until: Callable[[], object] = lambda: False) -> bool:
        """Return as soon as something has changed since the last return, or `until` is true.

        Args:
            wait: sleeps for a moment, or less when it notices something itself.
            until: what else ends the wait.
        """
        end = time.monotonic() + self._seconds
        look = _LOOK_SECONDS if self._seconds < self.longest else _IDLE_LOOK_SECONDS
        while True:
            wait(look)
            now = self.mark()
            if now != self._seen or until():
                self._seen, self._seconds = now, _FIRST_SECONDS
                return True
            if time.monotonic() >= end:
                self._seconds = min(self.longest, self._seconds * _GROWTH)
                return False

    def mark(self) -> Mark:
        """Describe the files, differently after each change."""
        return tuple(map(_mark, self.paths))


def database_changes(database: Path, longest: float) -> Changes:
    """Watch a SQLite database in WAL mode."""
    return Changes((database, database.with_name(f"{database.name}-wal")), longest)


def _mark(path: Path) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 - twenty times a second
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
