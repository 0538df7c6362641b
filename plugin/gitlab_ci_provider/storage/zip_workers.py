"""Batches of a zip archive, made by several processes when there are many files.

Threads would wait for Python's lock at each file. A worker is this module as a program: it gets its
part of the paths in a file, and writes batches until there are no more; as soon as nobody reads
them, it ends. It opens files as safely as the process that started it, see `tree_reader.py`.
"""

from __future__ import annotations

import fcntl
import io
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Self, cast

from gitlab_ci_provider.storage.worker_programs import facts_of, received, send, start
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
        how = os.path.realpath(root), packing.format, packing.level
        with TemporaryFile(dir=packing.scratch) as file:
            for share in shares:
                send(file, share)
            file.seek(0)
            self._process = start(_MODULE, *how, stdin=file)
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
        while (found := received(self._output)) != _SHARE_ENDS:
            if found is None:
                raise OSError(f"a process that packs files was ended ({self._process.wait()})")
            if len(found) != len(Batch._fields):
                raise OSError(*found)
            yield Batch._make(found)


def _work(root: Path, method: Method) -> None:
    """Make batches of all shares that standard input has."""
    shares, output = io.FileIO(0), sys.stdout.buffer
    while (share := received(shares)) is not None:
        for batch in batches(root, share, method):
            send(output, tuple(batch))
        send(output, _SHARE_ENDS)
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
            send(sys.stdout.buffer, facts_of(error))
            sys.stdout.buffer.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
