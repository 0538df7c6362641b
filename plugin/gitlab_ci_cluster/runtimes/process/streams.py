"""Pipes and terminals between a process and the event loop."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from contextlib import suppress

from gitlab_ci_cluster.runtimes.interface import Sink, Stream

_READ_BYTES = 1 << 18
_PIPE_BYTES = 1 << 20


class Reader:
    """Delivers what comes out of a pipe or terminal until its end."""

    def __init__(self, fd: int, stream: Stream, sink: Sink) -> None:
        self._fd = fd
        self._stream: Stream = stream
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._held = False
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._read)

    def hold(self, *, held: bool) -> None:
        """Read no more for now, or go on."""
        if held == self._held or self.ended.done():
            return
        self._held = held
        if held:
            self._loop.remove_reader(self._fd)
        else:
            self._loop.add_reader(self._fd, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:  # EIO: the last process has left the terminal
            data = b""
        self._sink(self._stream, data)
        if not data:
            self.close()

    def close(self) -> None:
        """Stop reading."""
        if not self.ended.done():
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self.ended.set_result(None)


class Writer:
    """Passes bytes on to a pipe or terminal as fast as the process takes them."""

    def __init__(self, fd: int) -> None:
        self._fd: int | None = fd
        self._loop = asyncio.get_running_loop()
        self._pending = bytearray()
        self._closing = False
        os.set_blocking(fd, False)

    def write(self, data: bytes) -> None:
        """Pass bytes on; they are lost once nobody reads them."""
        if self._fd is None or self._closing:
            return
        if not self._pending:
            self._loop.add_writer(self._fd, self._flush)
        self._pending += data

    def close(self) -> None:
        """End the input after what is still pending."""
        self._closing = True
        if not self._pending:
            self._close()

    def _flush(self) -> None:
        if self._fd is None:
            return
        try:
            sent = os.write(self._fd, self._pending[:_READ_BYTES])
        except BlockingIOError:
            return
        except OSError:  # EPIPE: nobody reads any more
            self._pending.clear()
            self._close()
            return
        del self._pending[:sent]
        if not self._pending:
            self._loop.remove_writer(self._fd)
            if self._closing:
                self._close()

    def _close(self) -> None:
        if self._fd is not None:
            self._loop.remove_writer(self._fd)
            os.close(self._fd)
            self._fd = None


def open_pipe() -> tuple[int, int]:
    """Open a pipe, as large as allowed: a noisy container should not wait for us."""
    read, write = os.pipe2(os.O_CLOEXEC)
    with suppress(OSError):
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return read, write


def resize(fd: int, rows: int, columns: int) -> None:
    """Tell a terminal the size of its window."""
    with suppress(OSError):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


async def read_all(fd: int) -> bytes:
    """Read a pipe to its end, and close it."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    received = bytearray()

    def read() -> None:
        with suppress(BlockingIOError):
            data = os.read(fd, 65536)
            received.extend(data)
            if not data and not ended.done():
                ended.set_result(None)

    os.set_blocking(fd, False)
    loop.add_reader(fd, read)
    try:
        await ended
    finally:
        loop.remove_reader(fd)
        os.close(fd)
    return bytes(received)
