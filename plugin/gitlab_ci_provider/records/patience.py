"""How long is waited for a store that does not answer: the one place in which state is retried."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_log = logging.getLogger(__name__)

_LONGEST_PAUSE = 20.0
_LONGEST_TURN = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How to wait.

    Attributes:
        seconds: for which a store may be away.
        clock: seconds, from any moment on.
        wait: waits for seconds.
    """

    seconds: float = 600
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep

    def outage(self) -> Outage:
        """Begin to wait for a store."""
        return Outage(self, self.clock())

    def turns(self) -> Iterator[None]:
        """Yield the tries of a change that others are faster with, and wait longer and longer.

        There is no last one: each time somebody has made progress.
        """
        pause = 0.01
        while True:
            yield
            self.wait(random.uniform(0, pause))  # noqa: S311 - so that not all come back at once
            pause = min(pause * 2, _LONGEST_TURN)


class Outage:
    """A store that does not answer, since a moment."""

    def __init__(self, patience: Patience, since: float):
        self._patience = patience
        self._since = since
        self._pause = 0.5

    def wait(self, problem: Exception) -> bool:
        """Wait before the next try; False when the time is over."""
        left = self._since + self._patience.seconds - self._patience.clock()
        if left <= 0:
            return False
        pause = min(random.uniform(self._pause / 2, self._pause), left)  # noqa: S311
        _log.warning("%s; trying again in %.1f s", problem, pause)
        self._patience.wait(pause)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        return True
