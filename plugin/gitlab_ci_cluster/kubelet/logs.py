"""What a container wrote: bytes in one file, times of the lines in memory, readers that follow.

Lines that arrive together get times one nanosecond apart, so that a client which tells lines apart
by their time never takes two for one. A line is visible once it is complete, as with a real
kubelet; a very long one in pieces.
"""

from __future__ import annotations

import asyncio
import os
import time
from array import array
from bisect import bisect_right
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_cluster.runtimes.interface import Stream

_LONGEST_HELD_BACK = 1 << 16
_READ_BYTES = 1 << 18
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Which part of a log to read, and how (`PodLogOptions`).

    Attributes:
        since: nanoseconds since 1970; earlier lines are left out.
        limit: bytes.
    """

    follow: bool = False
    timestamps: bool = False
    since: int | None = None
    tail: int | None = None
    limit: int | None = None


class ContainerLog:
    """The log of one run of a container."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC)
        self._size = 0
        self._offsets = array("Q")
        self._stamps = array("Q")
        self._last_stamp = 0
        self._held_back: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}
        self._changed: asyncio.Future[None] | None = None
        self.lost_bytes = 0

    def write(self, stream: Stream, data: bytes) -> None:
        """Take output as it comes; `b""` means that the stream has ended. See `base.Sink`."""
        held_back = self._held_back[stream]
        end = data.rfind(b"\n") + 1
        complete = held_back + data[:end] if end or not data else b""
        rest = data[end:] if end else held_back + data
        if len(rest) > _LONGEST_HELD_BACK or not data:
            complete, rest = complete + (rest if data else b""), b""
        self._held_back[stream] = rest
        if complete:
            self._append(complete)

    def close(self) -> None:
        """End the log: nothing will be written any more."""
        for stream in ("stdout", "stderr"):
            self.write(stream, b"")
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        self._notify()

    def tail(self, lines: int, limit: int) -> bytes:
        """Return the last lines, at most `limit` bytes of them."""
        with suppress(OSError), self.path.open("rb") as file:
            start = max(_tail_offset(file.fileno(), self._size, lines), self._size - limit)
            return os.pread(file.fileno(), self._size - start, start)
        return b""

    async def read(self, options: LogOptions) -> AsyncIterator[bytes]:
        """Read the log in pieces of whole lines; a follower ends when the log does."""
        remaining = options.limit
        async for piece in self._pieces(options):
            if remaining is not None:
                piece = piece[:remaining]  # noqa: PLW2901 - cut to what is still allowed
                remaining -= len(piece)
            if piece:
                yield piece
            if remaining == 0:
                return

    async def _pieces(self, options: LogOptions) -> AsyncIterator[bytes]:
        with self.path.open("rb") as file:
            offset = self._start(file.fileno(), options)
            while True:
                while offset < self._size:
                    data = os.pread(file.fileno(), min(_READ_BYTES, self._size - offset), offset)
                    if not data:
                        return  # cut off under our hands
                    yield self._stamp(data, offset) if options.timestamps else data
                    offset += len(data)
                if not options.follow or (self._fd is None and offset >= self._size):
                    return
                await self._wait()

    def _append(self, data: bytes) -> None:
        stamp = max(time.time_ns(), self._last_stamp + 1)
        try:
            if self._fd is None:
                return
            written = os.write(self._fd, data)
        except OSError:  # the disk is full: what fits is kept, the job goes on
            written = 0
        self.lost_bytes += len(data) - written
        if written:
            self._offsets.append(self._size)
            self._stamps.append(stamp)
            self._size += written
            self._last_stamp = stamp + data.count(b"\n")
            self._notify()

    def _notify(self) -> None:
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None

    async def _wait(self) -> None:
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    def _start(self, fd: int, options: LogOptions) -> int:
        start = 0
        if options.since is not None:
            start = self._offset_since(fd, options.since)
        if options.tail is not None:
            start = max(start, _tail_offset(fd, self._size, options.tail))
        return start

    def _offset_since(self, fd: int, since: int) -> int:
        batch = bisect_right(self._stamps, since) - 1
        if batch < 0:
            return 0
        offset = self._offsets[batch]
        end = self._offsets[batch + 1] if batch + 1 < len(self._offsets) else self._size
        data = os.pread(fd, end - offset, offset)
        position = 0
        for _ in range(since - self._stamps[batch]):
            line = data.find(b"\n", position) + 1
            if line == 0:
                return end
            position = line
        return offset + position

    def _stamp(self, data: bytes, offset: int) -> bytes:
        """Put its time before each line of a piece of the log."""
        batch = bisect_right(self._offsets, offset) - 1
        pieces: list[bytes] = []
        position = 0
        while position < len(data):
            start = self._offsets[batch]
            end = self._offsets[batch + 1] if batch + 1 < len(self._offsets) else self._size
            skipped = self._lines_between(start, offset + position)
            part = data[position : end - offset]
            before = (data[position - 1 : position] if position else b"") or self._byte_before(
                offset
            )
            middle = before not in {b"", b"\n"}
            pieces.append(_stamp_lines(part, self._stamps[batch] + skipped, middle=middle))
            position += len(part)
            batch += 1
        return b"".join(pieces)

    def _lines_between(self, start: int, end: int) -> int:
        if start == end:
            return 0
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), end - start, start).count(b"\n")

    def _byte_before(self, offset: int) -> bytes:
        if offset == 0:
            return b""
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), 1, offset - 1)


def _stamp_lines(data: bytes, stamp: int, *, middle: bool) -> bytes:
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    if not lines[-1]:
        lines.pop()
    seconds, nanoseconds = divmod(stamp, _NANOSECONDS)
    prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(seconds)).encode()
    stamped = [
        b"%s%09dZ %s" % (prefix, number, line) for number, line in enumerate(lines, nanoseconds)
    ]
    if middle and stamped:
        stamped[0] = lines[0]
    return b"".join(stamped)


def _tail_offset(fd: int, size: int, lines: int) -> int:
    """Find where the last lines begin; the end of the log is the end of a line, too."""
    if lines == 0 or size == 0:
        return size
    wanted = lines + 1 if os.pread(fd, 1, size - 1) == b"\n" else lines
    end = size
    while end > 0:
        start = max(0, end - _READ_BYTES)
        data = os.pread(fd, end - start, start)
        count = data.count(b"\n")
        if count >= wanted:
            position = len(data)
            for _ in range(wanted):
                position = data.rfind(b"\n", 0, position)
            return start + position + 1
        wanted -= count
        end = start
    return 0
