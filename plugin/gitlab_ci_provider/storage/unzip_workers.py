"""The files of a zip archive, unpacked by several processes.

Threads would wait for Python's lock at each file. A worker is this module as a program; it unpacks
its share once it is told to, and says how that went. Then it waits: only when all are well, each is
told to keep what it has written. Else, and when the process that started it is gone, it removes
that again. It writes as safely as that process, see `tree_writer.py`: whatever the others write at
the same time, nothing is written outside the folder.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Self, cast

from gitlab_ci_provider.storage.entry import ArchiveError
from gitlab_ci_provider.storage.folders import Folders
from gitlab_ci_provider.storage.tree_writer import TreeWriter
from gitlab_ci_provider.storage.worker_programs import facts_of, received, send, start
from gitlab_ci_provider.storage.zip_directory import Member, ZipDirectory
from gitlab_ci_provider.storage.zip_members import BROKEN_ZIP, is_folder, write_folder, write_member
from gitlab_ci_provider.storage.zip_reader import MemberReader

_MODULE = "gitlab_ci_provider.storage.unzip_workers"
_MOST = 4
_GO, _KEEP = b"g", b"k"
_COARSE = 20_000_000
"""Nanoseconds by which the times of files may be behind the clock."""

_WORTH = 8 * 1024 * 1024
"""Bytes of members from which on workers are started: to start them takes as long as this."""


def worker_count(size: int, members: int) -> int:
    """Return how many processes unpack members of so many bytes; 1 for none but this one."""
    if size < _WORTH:
        return 1
    return min(_MOST, os.cpu_count() or 1, max(1, members))


def unpack_by_workers(
    file: int, root: Path, writer: TreeWriter, wrote: Callable[[str], None], count: int
) -> None:
    """Write the members of an archive.

    Args:
        file: descriptor of the archive.
        root: where to.
        writer: of the folders, which are there before any file.
        wrote: told each path.
        count: of workers.

    Raises:
        ArchiveError: it is broken, or would write outside the folder.
        OSError: a file cannot be written, or a worker was killed.
    """
    with ExitStack() as running:
        workers = [
            running.enter_context(_Worker(file, root, f"{number}/{count}"))
            for number in range(count)
        ]
        last = ""
        for member in ZipDirectory(file):
            folder = member.filename.rpartition("/")[0]
            if is_folder(member):
                write_folder(writer, member)
            elif folder != last:
                writer.prepare(member.filename)
                last = folder
            wrote(member.filename.rstrip("/"))
        for worker in workers:
            worker.tell(_GO)
        for worker in workers:
            worker.refuse_unless_well()
        for worker in workers:
            worker.tell(_KEEP)
        for worker in workers:
            worker.refuse_unless_well()


class _Worker:
    """A process that unpacks a share; use as a context manager."""

    def __init__(self, file: int, root: Path, share: str):
        self._file, self._root, self._share = file, root, share
        self._begun = 0
        self._process = start(
            _MODULE,
            *(str(file), os.path.realpath(root), share),
            stdin=subprocess.PIPE,
            pass_fds=[file],
        )
        self._input = cast("IO[bytes]", self._process.stdin)
        self._output = cast("io.FileIO", self._process.stdout)

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Let it end; if something has failed, it removes first what it has written."""
        if kind is not None:
            self._process.terminate()
        with suppress(OSError):
            self._input.close()
        if self._process.wait() != 0 and self._begun:
            self._remove()
        self._output.close()

    def tell(self, word: bytes) -> None:
        """Say something; one that has failed no longer hears it, but has told why."""
        self._begun = self._begun or time.time_ns() - _COARSE
        with suppress(BrokenPipeError):
            self._input.write(word)

    def refuse_unless_well(self) -> None:
        """Wait for its answer; raises what it has met."""
        answer = received(self._output)
        if answer is None:
            raise OSError(f"a process that unpacks files was ended ({self._process.wait()})")
        kind, *found = answer
        if kind == "broken":
            raise ArchiveError(*found)
        if kind == "failed":
            raise OSError(*found)

    def _remove(self) -> None:
        """Remove what it has written, because it was killed."""
        with Folders(os.fspath(self._root)) as folders:
            for member in _members(self._file, self._share):
                folder, _, name = member.filename.rpartition("/")
                with suppress(OSError, ValueError):
                    parent = folders.enter(folder)
                    if os.lstat(name, dir_fd=parent).st_ctime_ns >= self._begun:
                        os.unlink(name, dir_fd=parent)


class _Undone(BaseException):
    """What was written is not to stay."""


def _work(file: int, root: Path, share: str) -> None:
    stopped: list[int] = []  # no exception: a file must not be there before it is noted
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    orders = io.FileIO(0)
    if orders.read(1) != _GO:
        return
    reader = MemberReader(file, ZipDirectory(file).begin)
    with TreeWriter(root) as writer:
        for member in _members(file, share):
            write_member(writer, reader, member)
            if stopped:
                raise _Undone
        _say("done")
        if orders.read(1) != _KEEP:
            raise _Undone
    _say("kept")


def _members(file: int, share: str) -> Iterator[Member]:
    number, count = map(int, share.split("/"))
    return (found for found in ZipDirectory(file).share(number, count) if not is_folder(found))


def _say(*answer: object) -> None:
    send(sys.stdout.buffer, answer)
    sys.stdout.buffer.flush()


def main() -> None:
    """Be a worker."""
    import zstandard

    file, root, share = sys.argv[1:]
    with suppress(BrokenPipeError, _Undone):
        try:
            _work(int(file), Path(root), share)
        except ArchiveError as error:
            _say("broken", str(error))
        except OSError as error:
            _say("failed", *facts_of(error))
        except (*BROKEN_ZIP, zstandard.ZstdError) as error:
            _say("broken", f"broken zip archive: {error}")
    os._exit(0)


if __name__ == "__main__":
    main()
