"""Output of a container of Podman: its monitor writes the log into a FIFO, and we read that.

The monitor, conmon, is one process for each container and outlives Podman's service. So nothing
that can be restarted lies between a container and us: no line is lost or comes twice, whatever is
killed. The FIFO has no name any more once the container has begun, and its file takes no disk.

Each record is `TIME STREAM KIND CONTENT`. KIND is F for a whole line, and P for a part of one.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from gitlab_ci_cluster.runtimes.interface import Sink, Stream

_READ_BYTES = 1 << 18
_PIPE_BYTES = 1 << 20
_STREAMS: dict[bytes, Stream] = {b"stdout": "stdout", b"stderr": "stderr"}
_WHOLE = b"F"

_NO_LIMIT = "1000pb"
"""At its limit of size, which containers.conf may set, a log goes on in another file."""


def log_config(path: Path) -> dict[str, object]:
    """Tell Podman where to write a container's log."""
    return {"Type": "k8s-file", "Config": {"path": str(path), "max-size": _NO_LIMIT}}


def read_records(data: bytes) -> Iterator[tuple[Stream, bytes]]:
    """Turn whole records into what was written, with what came in one stream in one piece."""
    records = (_record(line) for line in data.split(b"\n")[:-1])
    for stream, written in groupby(records, key=itemgetter(0)):
        yield stream, b"".join(content for _, content in written)


def _record(line: bytes) -> tuple[Stream, bytes]:
    _, stream, kind, content = line.split(b" ", 3)
    return _STREAMS[stream], content + b"\n" if kind == _WHOLE else content


class LogFifo:
    """Delivers what is written into a FIFO until `finish`.

    Args:
        path: where to make it.

    Attributes:
        writer_left: done once nobody has it open for writing any more.
    """

    def __init__(self, path: Path, sink: Sink) -> None:
        self._path = path
        self._sink = sink
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        os.mkfifo(path, 0o600)
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with suppress(OSError):
            fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self.writer_left: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._fd, self._read)

    def was_opened(self) -> None:
        """Remove its name: the monitor has opened it, or never will."""
        self._path.unlink(missing_ok=True)

    def hold(self, *, held: bool) -> None:
        """Read no more for now, or go on."""
        if held:
            self._loop.remove_reader(self._fd)
        elif self._fd >= 0 and not self.writer_left.done():
            self._loop.add_reader(self._fd, self._read)

    def finish(self) -> None:
        """Deliver what is in it, and end; a second call does nothing."""
        if self._fd < 0:
            return
        while self._read():
            pass
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        self._fd = -1

    def _read(self) -> bool:
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._fd)
            if not self.writer_left.done():
                self.writer_left.set_result(None)
            return False
        whole, end, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest
        for stream, written in read_records(whole + end):
            self._sink(stream, written)
        return True
