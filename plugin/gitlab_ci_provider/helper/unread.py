"""Waiting at the end of a container until its output has been read.

A pod's log goes from the container's pipe to the runtime's shim, from there through a FIFO to the
runtime, and line by line into a file. Two seconds after the end of a container, containerd closes
that FIFO, whatever is still in it: on a busy node the log lacks its end
(https://github.com/containerd/containerd/issues/7289). So the helper ends only when its pipe is
empty, and later by as long as the rest of the way will probably take.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
import struct
import termios
import time
from collections.abc import Callable

_LOOK_MS = 5

_REST_OF_THE_WAY = 3
"""The pipe holds 64 KiB; the shim, the FIFO and the runtime hold at most twice as much, with their
buffers three times."""

_BORNE_SECONDS = 1.0
"""What the runtime has time for by itself, with a margin."""


def wait_until_read(
    output: int,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Wait until nothing is left in a pipe, or nobody reads it; costs nothing where all is read.

    Args:
        output: the end of the pipe that was written to; nothing is known of other files.
        clock: tells the time in seconds.
        sleep: waits.
    """
    if not stat.S_ISFIFO(os.fstat(output).st_mode):
        return
    deserted = select.poll()
    deserted.register(output, 0)  # an end without readers is an error
    began = clock()
    while _unread(output) and not deserted.poll(_LOOK_MS):
        pass
    sleep(max(0.0, _REST_OF_THE_WAY * (clock() - began) - _BORNE_SECONDS))


def _unread(pipe: int) -> int:
    size = bytearray(4)
    fcntl.ioctl(pipe, termios.FIONREAD, size)
    return int(struct.unpack("i", size)[0])
