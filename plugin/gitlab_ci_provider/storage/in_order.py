"""Work in threads whose results are taken in the order in which it was handed out."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self, TypeVar

Result = TypeVar("Result")

_MOST_THREADS = 4
"""Each thread takes memory, and a helper container has little, however large its node is."""


class InOrder:
    """Threads for compressing, which does not hold Python's lock; use as a context manager.

    A little more work than there are threads waits at a time: memory is bounded.
    """

    def __init__(self, name: str):
        self._threads = min(_MOST_THREADS, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(self._threads, name)
        self._pending: deque[tuple[Future[Any], Callable[[Any], object]]] = deque()

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Take the results that are left, unless something has failed."""
        try:
            if kind is None:
                self.finish()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def submit(
        self, work: Callable[..., Result], *given: object, then: Callable[[Result], object]
    ) -> None:
        """Hand out work.

        Args:
            work: is called in a thread; its error is raised here, sooner or later.
            given: its arguments.
            then: takes the result, in the thread of the caller.
        """
        self._pending.append((self._pool.submit(work, *given), then))
        self._take(self._threads + 1)

    def finish(self) -> None:
        """Wait until all results have been taken."""
        self._take(0)

    def _take(self, kept: int) -> None:
        while len(self._pending) > kept:
            future, then = self._pending.popleft()
            then(future.result())
