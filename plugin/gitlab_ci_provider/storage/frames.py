"""zstd on all cores: what is written is compressed in pieces, each a frame of its own.

Python's threads do that at the same time, because zstandard does not hold Python's lock. A sequence
of frames is what any zstd program reads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from queue import Empty, Queue
from typing import IO, Protocol, Self, cast

from gitlab_ci_provider.model.plan import CompressionLevel
from gitlab_ci_provider.storage.in_order import InOrder

_LEVELS: Mapping[CompressionLevel, int] = {
    "fastest": 1,
    "fast": 1,
    "default": 3,
    "slow": 7,
    "slowest": 11,
}
"""GitLab Runner's library has four levels; these are about as fast and as small."""

_PIECE = 4 * 1024 * 1024
_LARGEST_WINDOW = 2**27
"""Bytes; the memory that unpacking an archive may need: 128 MiB."""

_READ = 1024 * 1024
_AHEAD = 8


def zstd_level(level: CompressionLevel) -> int:
    """Return zstd's number for a level."""
    return _LEVELS[level]


class Compressor:
    """One compressor for each thread: making one takes longer than compressing a small file.

    Args:
        level: of zstd.
        checksum: each frame has one of its contents.
    """

    def __init__(self, level: int, *, checksum: bool):
        self._level = level
        self._checksum = checksum
        self._local = threading.local()

    def compress(self, contents: bytes | bytearray) -> bytes:
        """Make a frame."""
        if not hasattr(self._local, "compressor"):
            import zstandard

            self._local.compressor = zstandard.ZstdCompressor(
                level=self._level, write_checksum=self._checksum
            )
        compressed: bytes = self._local.compressor.compress(contents)
        return compressed


class FrameWriter:
    """Compresses what it is given, in order; use as a context manager.

    Args:
        write: receives the compressed bytes, in the thread of the caller.
        level: of zstd.
    """

    def __init__(self, write: Callable[[bytes], object], level: int):
        self._write = write
        self._compress = Compressor(level, checksum=True).compress
        self._threads = InOrder("zstd")
        self._piece = bytearray()

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what is left, unless something has failed."""
        if kind is not None:
            self._threads.__exit__(kind)
            return
        with self._threads:
            self._submit()

    def write(self, data: bytes | memoryview) -> None:
        """Take bytes."""
        self._piece += data
        if len(self._piece) >= _PIECE:
            self._submit()

    def _submit(self) -> None:
        if self._piece:
            self._threads.submit(self._compress, self._piece, then=self._write)
            self._piece = bytearray()


class Source(Protocol):
    """What is read."""

    def read(self, size: int, /) -> bytes | None:
        """Return at most so many bytes; none at the end."""


def decompressed(file: Source) -> Iterator[bytes]:
    """Yield what is in frames.

    Raises:
        zstandard.ZstdError: they are broken, or need too much memory.
    """
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    with decompressor.stream_reader(
        cast("IO[bytes]", file), read_across_frames=True, closefd=False
    ) as stream:
        while piece := stream.read(_READ):
            yield piece


def ahead(pieces: Iterator[bytes]) -> Generator[bytes]:
    """Yield what an iterator yields, which runs ahead in a thread of its own.

    Its errors are raised here. The thread has ended when this iterator is closed.
    """
    waiting: Queue[bytes | BaseException | None] = Queue(_AHEAD)
    stop = threading.Event()

    def run() -> None:
        try:
            for piece in pieces:
                waiting.put(piece)
                if stop.is_set():
                    return
            waiting.put(None)
        except BaseException as error:  # noqa: BLE001 - raised again by the reader
            waiting.put(error)

    thread = threading.Thread(target=run, name="ahead", daemon=True)
    thread.start()
    try:
        while (piece := waiting.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece
    finally:
        stop.set()
        while thread.is_alive():
            with suppress(Empty):
                waiting.get(timeout=0.01)
