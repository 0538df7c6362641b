"""Modules of this package as programs, which work for the process that starts them."""

from __future__ import annotations

import io
import marshal
import os
import struct
import subprocess
import sys
from collections.abc import Collection
from typing import IO, Any

_LENGTH = struct.Struct("<Q")


def start(
    module: str, *arguments: str, stdin: int | IO[bytes], pass_fds: Collection[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a module, with the modules of this process and nothing of the current folder."""
    modules = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        bufsize=0,
        cwd="/",
        env={**os.environ, **modules},
        pass_fds=pass_fds,
    )


def send(file: IO[bytes], value: Any) -> None:
    """Write a value of the types that `marshal` knows."""
    data = marshal.dumps(value)
    file.write(_LENGTH.pack(len(data)))
    file.write(data)


def received(file: io.RawIOBase) -> Any:
    """Return what was sent; None at the end."""
    length = _exactly(file, _LENGTH.size)
    data = length and _exactly(file, _LENGTH.unpack(length)[0])
    return data and marshal.loads(data)  # noqa: S302 - from a process of our own


def facts_of(error: OSError) -> tuple[object, ...]:
    """Return what makes the same error in another process."""
    known = (error.errno, error.strerror, error.filename)
    return known if error.errno else (str(error),)


def _exactly(file: io.RawIOBase, size: int) -> bytearray | None:
    """Read so many bytes; None if there are less."""
    data, at = bytearray(size), 0
    with memoryview(data) as view:
        while at < size:
            count = file.readinto(view[at:])
            if not count:
                return None
            at += count
    return data
