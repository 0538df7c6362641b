"""Notices changes at once, at almost no cost.

Airflow's loops ask the database again and again whether there is work. Whoever makes some calls
(`announce`): the API server when a task has ended or a person has done something, the triggerer
when a trigger has fired. Every other commit, which is mostly the work of the loops themselves,
changes the file of SQLite's write-ahead log and is looked at after a second. Checking files is a
thousand times cheaper than asking the database.
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

_FIRST_SECONDS = 0.5
_GROWTH = 1.5

_OTHER_SECONDS = 1
"""Seconds after which a commit that nobody has announced ends a wait."""


@dataclass(slots=True)
class Changes:
    """Waits for a change of some files, longer and longer while there is none.

    Attributes:
        paths: whose changes end a wait at once.
        others: whose changes end it after a second.
        longest: seconds to wait at most. What is due at some time, such as a retry, is noticed late
            by a fraction of its own delay, and never by more than `longest`.
    """

    paths: tuple[Path, ...]
    longest: float
    others: tuple[Path, ...] = ()
    _seen: Mark = ()
    _others_seen: Mark = ()
    _seconds: float = field(default=_FIRST_SECONDS)

    def wait(self, wait: Wait = time.sleep, until: Callable[[], object] = lambda: False) -> bool:
        """Return as soon as something has changed since the last return, or `until` is true.

        Args:
            wait: sleeps for a moment, or less when it notices something itself.
            until: what else ends the wait.
        """
        begun = time.monotonic()
        look = _LOOK_SECONDS if self._seconds < self.longest else _IDLE_LOOK_SECONDS
        while True:
            wait(look)
            waited = time.monotonic() - begun
            now = _marks(self.paths)
            if now != self._seen or until():
                self._seen, self._others_seen = now, _marks(self.others)
                self._seconds = _FIRST_SECONDS
                return True
            if waited >= _OTHER_SECONDS and self._others_have_changed():
                return True
            if waited >= self._seconds:
                self._seconds = min(self.longest, self._seconds * _GROWTH)
                return False

    def _others_have_changed(self) -> bool:
        before, self._others_seen = self._others_seen, _marks(self.others)
        return before != self._others_seen


def database_changes(database: Path, longest: float) -> Changes:
    """Watch a SQLite database in WAL mode, and what is announced of it."""
    log = database.with_name(f"{database.name}-wal")
    return Changes((_calls(database),), longest, others=(database, log))


def announce(database: Path) -> None:
    """Wake those who wait for changes of a database, after a commit that they must see."""
    with _calls(database).open("ab") as file:
        file.write(b".")  # its size tells two calls within the same moment apart


def _calls(database: Path) -> Path:
    return database.with_suffix(".calls")


def _marks(paths: tuple[Path, ...]) -> Mark:
    """Describe files, differently after each change."""
    return tuple(map(_mark, paths))


def _mark(path: Path) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 - twenty times a second
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
