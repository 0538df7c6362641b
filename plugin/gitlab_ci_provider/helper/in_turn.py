"""Fetches what comes next while the one before it is unpacked; the log keeps the plan's order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Generic, TypeVar

Result = TypeVar("Result")
Say = Callable[[str], None]

AT_ONCE = 2
"""Fetches at a time. As many archives may wait on the disk, in addition to the one in its turn."""


class Ahead(Generic[Result]):
    """Work that may begin before its turn.

    Args:
        work: is called in a thread; gets what it may say lines to.
    """

    def __init__(self, pool: ThreadPoolExecutor, work: Callable[[Say], Result]):
        self._lock = threading.Lock()
        self._waiting: list[str] = []
        self._say: Say = self._waiting.append
        self._future = pool.submit(work, self._tell)

    def take(self, say: Say) -> Result:
        """Return the result, or raise its error, once it is there.

        Args:
            say: is told what the work has said so far, then what it says.
        """
        with self._lock:
            for line in self._waiting:
                say(line)
            self._say = say
        return self._future.result()

    def _tell(self, line: str) -> None:
        with self._lock:
            self._say(line)


def in_turn(works: Sequence[Callable[[Say], Result]]) -> Generator[Ahead[Result]]:
    """Yield works in their order, with the next ones already begun.

    Close it: threads that still work are waited for.
    """
    left = iter(works)
    with ThreadPoolExecutor(AT_ONCE, "fetch") as pool:
        begun = deque(Ahead(pool, work) for work in islice(left, AT_ONCE))
        try:
            while begun:
                yield begun.popleft()
                begun.extend(Ahead(pool, work) for work in islice(left, 1))
        finally:
            pool.shutdown(cancel_futures=True)
