"""Says in the log how far a transfer has come, if the job wants it: TRANSFER_METER_FREQUENCY.

Unlike GitLab Runner's meter, which rewrites one line, each report is a line of its own: Airflow
shows lines.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gitlab_ci_provider.storage.base import Progress, unwatched

_PREFIXES = "KMGTPE"


class TransferMeter:
    """Counts one transfer, from several threads.

    Args:
        label: what is done, such as `Uploading cache`.
        seconds: between two reports.
        say: takes a report.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        label: str,
        seconds: float,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._label = label
        self._seconds = seconds
        self._say = say
        self._clock = clock
        self._lock = threading.Lock()
        self._begin = self._last = clock()
        self._moved = self._total = 0

    def add(self, moved: int, total: int) -> None:
        """Count bytes; report if the last report is long enough ago."""
        with self._lock:
            self._moved += moved
            self._total = total
            if self._clock() - self._last >= self._seconds:
                self._last = self._clock()
                self._report()

    def end(self) -> None:
        """Report what was transferred in all, if anything was."""
        with self._lock:
            if self._moved:
                self._report()

    def _report(self) -> None:
        rate = self._moved / max(1e-3, self._clock() - self._begin)
        total = f"/{_size(self._total)}" if self._total else ""
        self._say(f"{self._label} {_size(self._moved)}{total} ({_size(rate)}/s)")


@contextmanager
def metered(label: str, seconds: int, say: Callable[[str], None]) -> Iterator[Progress]:
    """Yield what counts a transfer; says nothing if `seconds` is 0."""
    if not seconds:
        yield unwatched
        return
    meter = TransferMeter(label, seconds, say)
    yield meter.add
    meter.end()


def _size(count: float) -> str:
    """Write bytes as GitLab Runner does: 1.23 MB."""
    prefix = ""
    for larger in _PREFIXES:
        if count < 1000:
            break
        count, prefix = count / 1000, larger
    return f"{count:.2f} {prefix}B" if prefix else f"{count:.0f} B"
