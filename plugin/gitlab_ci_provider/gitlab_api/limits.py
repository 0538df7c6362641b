"""How long a server may take, and how much it may send: one that means us harm never ends."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from gitlab_ci_provider.model.log import Log

if TYPE_CHECKING:
    from types import TracebackType

MOST_PAGES, LONGEST_LIST = 5_000, 3600.0
"""Pages of a list, of a hundred items each; seconds for all of them."""
_TOLD_PAGES = 100


class EndlessError(Exception):
    """A server sends more than anybody can want."""


class Deadline:
    """Closes a connection whose server has not finished its answer in time: `with`, then `watch`.

    Timeouts of sockets begin again with each byte.

    Raises:
        TimeoutError: at the end of `with`, if the time was up.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._late = threading.Event()
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def watch(self, connection: socket.socket) -> None:
        """Name the connection; by a second handle, because TLS takes over the first."""
        handle = socket.fromfd(connection.fileno(), connection.family, connection.type)
        with self._lock:
            last, self._handle = self._handle, handle
        if last is not None:
            last.close()
        if self._late.is_set():
            self._shut()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()
        # What was read until then looks like a whole answer, or like a broken connection.
        if self._late.is_set() and (
            kind is None or issubclass(kind, OSError | http.client.HTTPException)
        ):
            raise TimeoutError(f"it took longer than {self._seconds:g} s") from None

    def _end(self) -> None:
        self._late.set()
        self._shut()

    def _shut(self) -> None:
        with self._lock, suppress(OSError):  # it has ended by itself
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class Pages:
    """Follows a list from page to page, says how far it is, and ends it when it does not.

    Attributes:
        server: as messages call it.
    """

    server: str
    log: Log
    clock: Callable[[], float] = time.monotonic
    _first: tuple[str, object] = ("", None)
    _count: int = 0
    _since: float = 0.0

    def note(self, url: str, parameters: object) -> None:
        """Note a request: the pages of a list have one address, and parameters of their own.

        Raises:
            EndlessError: it was one page too many, or one too late.
        """
        address, first = self._first
        if url != address or parameters == first:
            self._first, self._count, self._since = (url, parameters), 0, self.clock()
            return
        self._count += 1
        took = self.clock() - self._since
        if self._count >= MOST_PAGES or took > LONGEST_LIST:
            raise EndlessError(f"a list has not ended after {self._count} pages and {took:.0f} s")
        if self._count % _TOLD_PAGES == 0:
            self.log.info("GitLab at %s: %d pages of a list so far", self.server, self._count)
