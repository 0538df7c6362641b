"""Wait without a time limit: as long as there is progress, a slow machine is given its time.

Progress is processor time or output in a file; a process without either for minutes hangs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gitlab_ci_provider.local.processes.tree import cpu_seconds

PATIENCE_SECONDS = 300
"""Seconds without progress. A machine under heavy load can starve a process for a minute."""

_CPU_SECONDS = 2.0
"""Processor seconds; less than that is only a process polling for something else."""


@dataclass(frozen=True, slots=True)
class Movement:
    """What a tree of processes has done so far."""

    cpu: float
    written: int

    def goes_beyond(self, before: Movement) -> bool:
        """Return whether something was done since."""
        return abs(self.cpu - before.cpu) >= _CPU_SECONDS or self.written != before.written


def movement(pid: int, *files: Path) -> Movement:
    """Measure what a process and its descendants have done, and how far their logs are."""
    return Movement(cpu=cpu_seconds(pid), written=sum(map(_size, files)))


@dataclass(slots=True)
class Patience:
    """Notices that there was no progress for a long time."""

    look: Callable[[], Movement]
    seconds: float = PATIENCE_SECONDS
    clock: Callable[[], float] = time.monotonic
    _last: Movement = field(init=False)
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        """Measure for the first time."""
        self._last, self._since = self.look(), self.clock()

    def is_over(self) -> bool:
        """Measure again; True when there was no progress for too long."""
        seen, now = self.look(), self.clock()
        if seen.goes_beyond(self._last):
            self._last, self._since = seen, now
        return now - self._since > self.seconds


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
