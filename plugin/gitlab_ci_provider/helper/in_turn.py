"""Does what comes next while the one before it is in its turn; the log keeps the plan's order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Generic, TypeVar

from gitlab_ci_provider.helper.output import Output

Result = TypeVar("Result")
Say = Callable[[str], None]

AT_ONCE = 2
"""Works at a time. As many archives may wait on the disk, in addition to the one in its turn."""


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
    with ThreadPoolExecutor(AT_ONCE, "ahead") as pool:
        begun = deque(Ahead(pool, work) for work in islice(left, AT_ONCE))
        try:
            while begun:
                yield begun.popleft()
                begun.extend(Ahead(pool, work) for work in islice(left, 1))
        finally:
            pool.shutdown(cancel_futures=True)


class HeldOutput(Output):
    """Writes to the same log as another output, but only once it is released."""

    def __init__(self, output: Output):
        super().__init__(output.secrets, log=output.log)
        self._lock = threading.Lock()
        self._held: list[str] | None = []

    def release(self) -> None:
        """Write what was held; from now on, write at once."""
        with self._lock:
            held, self._held = self._held or [], None
            for text in held:
                super()._write(text)

    def _write(self, text: str) -> None:
        with self._lock:
            if self._held is None:
                super()._write(text)
            else:
                self._held.append(text)
