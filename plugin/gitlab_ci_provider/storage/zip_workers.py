"""Batches of a zip archive, made by several processes when there are many files.

Threads would wait for Python's lock at each file. A worker is this module as a program: it gets its
part of the paths in a file, and writes batches until there are no more; as soon as nobody reads
them, it ends. It opens files as safely as the process that started it, see `tree_reader.py`.
"""

from __future__ import annotations

import fcntl
import io
import marshal
import os
import struct
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Self, cast

from gitlab_ci_provider.storage.zip_batches import Batch, batches
from gitlab_ci_provider.storage.zip_methods import Method, method_of

if TYPE_CHECKING:
    from gitlab_ci_provider.model.plan import ArchiveFormat, CompressionLevel
    from gitlab_ci_provider.storage.packing import Packing

_MODULE = "gitlab_ci_provider.storage.zip_workers"
_SHARE = 256
"""Paths that a worker takes at a time."""

_ALONE = 2 * 1024 * 1024
"""Bytes of members that are made without workers: to start them takes as long as this."""

_MOST = 4
_AHEAD = 1024 * 1024
"""Bytes of batches that a worker may be ahead."""

_LENGTH = struct.Struct("<Q")
_SHARE_ENDS = ()


def packed(root: Path, paths: Sequence[str], packing: Packing) -> Generator[Batch]:
    """Yield the members for paths below a folder, in their order.

    Raises:
        OSError: a file cannot be read, or a worker was killed.
    """
    method = method_of(packing.format, packing.level)
    count = min(_MOST, os.cpu_count() or 1)
    shares = [paths[at : at + _SHARE] for at in range(0, len(paths), _SHARE)]
    made = 0
    for number, share in enumerate(shares):
        if made >= _ALONE and count > 1 and len(shares) > number + 1:
            yield from _by_workers(root, shares[number:], packing, count)
            return
        for batch in batches(root, share, method):
            made += len(batch.members)
            yield batch


def _by_workers(
    root: Path, shares: Sequence[Sequence[str]], packing: Packing, count: int
) -> Iterator[Batch]:
    with ExitStack() as running:
        workers = [
            running.enter_context(_Worker(root, shares[first::count], packing))
            for first in range(count)
        ]
        for number in range(len(shares)):
            yield from workers[number % count].share()


class _Worker:
    """A process that makes batches of its shares; use as a context manager."""

    def __init__(self, root: Path, shares: Sequence[Sequence[str]], packing: Packing):
        command = [sys.executable, "-P", "-m", _MODULE]
        command += [os.path.realpath(root), packing.format, packing.level]
        modules = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with TemporaryFile(dir=packing.scratch) as file:
            for share in shares:
                _send(file, share)
            file.seek(0)
            self._process = subprocess.Popen(
                command,
                stdin=file,
                stdout=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env={**os.environ, **modules},
            )
        self._output = cast("io.FileIO", self._process.stdout)
        with suppress(OSError, AttributeError):  # the user has enough of them; not Linux
            fcntl.fcntl(self._output, fcntl.F_SETPIPE_SZ, _AHEAD)

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._output.close()
        self._process.kill()
        self._process.wait()

    def share(self) -> Iterator[Batch]:
        """Yield the batches of its next share."""
        while (found := _received(self._output)) != _SHARE_ENDS:
            if found is None:
                raise OSError(f"a process that packs files was ended ({self._process.wait()})")
            if len(found) != len(Batch._fields):
                raise OSError(*found)
            yield Batch._make(found)


def _send(file: IO[bytes], value: Any) -> None:
    data = marshal.dumps(value)
    file.write(_LENGTH.pack(len(data)) + data)


def _received(file: io.RawIOBase) -> Any:
    """Return what was sent; None at the end."""
    length = _exactly(file, _LENGTH.size)
    data = length and _exactly(file, _LENGTH.unpack(length)[0])
    return data and marshal.loads(data)  # noqa: S302 - from a process of our own


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


def _work(root: Path, method: Method) -> None:
    """Make batches of all shares that standard input has."""
    shares, output = io.FileIO(0), sys.stdout.buffer
    while (share := _received(shares)) is not None:
        for batch in batches(root, share, method):
            _send(output, tuple(batch))
        _send(output, _SHARE_ENDS)
        output.flush()


def main() -> None:
    """Be a worker."""
    root, form, level = sys.argv[1:]
    with suppress(BrokenPipeError):
        try:
            _work(
                Path(root), method_of(cast("ArchiveFormat", form), cast("CompressionLevel", level))
            )
        except OSError as error:
            known = (error.errno, error.strerror, error.filename)
            _send(sys.stdout.buffer, known if error.errno else (str(error),))
            sys.stdout.buffer.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
