"""A time limit for one transfer as a whole, however steadily its data moves.

Only for jobs that set one (CACHE_REQUEST_TIMEOUT): a transfer that makes progress has no limit of
its own. Between two pieces of data, the timeouts of the connection apply.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class TimeLimitError(Exception):
    """The time is over."""


class TimeLimit:
    """The time that one transfer has left.

    Args:
        seconds: in all; 0 for no limit.
        clock: seconds that only go forward.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic):
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def left(self, at_most: float) -> float:
        """Return how long a single step may take."""
        if not self._seconds:
            return at_most
        return max(0.001, min(at_most, self._end - self._clock()))

    def check(self) -> None:
        """Raise TimeLimitError once the time is over."""
        if self._seconds and self._clock() >= self._end:
            raise TimeLimitError(f"it took longer than {self._seconds:g} s")
