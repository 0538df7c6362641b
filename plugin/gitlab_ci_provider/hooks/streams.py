"""An answer of Kubernetes that goes on, read piece by piece with a limit for each wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from urllib3.exceptions import ReadTimeoutError

_SHORTEST_SECONDS = 0.01


class Stream:
    """Reads the body of a response that has not been read.

    Args:
        response: urllib3's, from a call with `_preload_content=False`.
    """

    def __init__(self, response: Any):
        self._response = response
        self._chunks: Iterator[bytes] = response.stream(decode_content=False)

    def chunk(self, seconds: float) -> bytes | None:
        """Read what comes next; None at the end.

        Raises:
            TimeoutError: nothing came in time; the stream cannot be read any further.
            HTTPError: the connection broke.
        """
        connection = self._response.connection
        if connection is not None and connection.sock is not None:
            connection.sock.settimeout(max(seconds, _SHORTEST_SECONDS))
        try:
            return next(self._chunks, None)
        except ReadTimeoutError as problem:
            raise TimeoutError from problem

    def close(self) -> None:
        """Hang up."""
        self._response.close()
        self._response.release_conn()


class Lines:
    """Reads lines of a stream."""

    def __init__(self, stream: Stream):
        self._stream = stream
        self._rest = b""
        self._ready: list[bytes] = []

    def line(self, seconds: float) -> bytes | None:
        """Read the next line; None at the end, where half a line is left out.

        Raises:
            TimeoutError: nothing came in time; the stream cannot be read any further.
            HTTPError: the connection broke.
        """
        while not self._ready:
            chunk = self._stream.chunk(seconds)
            if chunk is None:
                return None
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            self._ready = list(filter(None, lines))
        return self._ready.pop(0)

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
