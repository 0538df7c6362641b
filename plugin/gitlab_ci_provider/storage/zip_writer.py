"""Writes zip archives, compressed on all cores.

Small files come in batches, from several processes; a large file is compressed in pieces, by
several threads. Members have their order, so the same files make the same bytes. What does not
shrink is stored as it is.

Everything is written once, from the beginning to the end, so that an archive can be sent and its
checksum computed while it is written: what is known of a large file only after it follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from os import devnull
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Self

from isal.isal_zlib import crc32

from gitlab_ci_provider.storage.in_order import InOrder
from gitlab_ci_provider.storage.index import listed
from gitlab_ci_provider.storage.packing import Packing
from gitlab_ci_provider.storage.tree_reader import CHUNK, Found
from gitlab_ci_provider.storage.zip_batches import Batch
from gitlab_ci_provider.storage.zip_headers import (
    STORED,
    Packed,
    descriptor,
    directory_end,
    directory_record,
    local_header,
    placed,
)
from gitlab_ci_provider.storage.zip_methods import Method


class ZipWriter:
    """A new archive; use as a context manager. Until that has ended, it is not an archive.

    Args:
        write: receives the archive, in the thread of the caller.
        method: how members are compressed.
        packing: where there is room for the archive's directory, which can be large, and where
            members are listed.

    Attributes:
        count: of members; `files` of those that are no folders.
    """

    def __init__(self, write: Callable[[bytes], object], method: Method, packing: Packing):
        self.count = self.files = 0
        self._sink = write
        self._method = method
        self._packing = packing
        self._exit = ExitStack()
        self._waiting: list[bytes] = []
        self._waits = 0
        self._at = 0

    def __enter__(self) -> Self:
        """Start."""
        self._directory: IO[bytes] = self._exit.enter_context(
            SpooledTemporaryFile(8 * CHUNK, dir=str(self._packing.scratch))
        )
        listing = self._packing.listing or Path(devnull)
        self._listing = self._exit.enter_context(listing.open("w", encoding="ascii"))
        self._threads = self._exit.enter_context(InOrder("zip"))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write the directory, unless something has failed."""
        if kind is not None:
            self._exit.__exit__(kind, None, None)
            return
        with self._exit:
            self._finish()

    def add(self, batch: Batch) -> None:
        """Add small members."""
        self._directory.write(placed(batch.records, self._at))
        self._write(batch.members)
        self._listing.write(batch.listing)
        self.count += batch.entries
        self.files += batch.files

    def add_large(self, found: Found) -> None:
        """Add a file piece by piece; what is known of it in the end follows it."""
        entry = found.entry()
        offset = self._at
        pieces = found.pieces()
        first = next(pieces, b"")
        shrinks = self._method.shrinks(first)
        method = self._method.number if shrinks else STORED
        self._write(local_header(entry, Packed(method=method, follows=True)))
        begin = self._at
        size, crc = (self._add_pieces if shrinks else self._add_stored)(first, pieces)
        how = Packed(
            method=method,
            crc=crc,
            size=size,
            packed=self._at - begin,
            offset=offset,
            follows=True,
        )
        self._write(descriptor(entry, how))
        self._directory.write(directory_record(entry, how))
        self._listing.write(listed(entry._replace(size=size), crc))
        self.count += 1
        self.files += 1

    def _add_pieces(self, piece: bytes, more: Iterator[bytes]) -> tuple[int, int]:
        size, crc, before = 0, 0, b""
        while piece:
            size += len(piece)
            crc = crc32(piece, crc)
            self._threads.submit(self._method.piece, piece, before, then=self._write)
            before, piece = piece, next(more, b"")
        self._threads.finish()
        self._write(self._method.end)
        return size, crc

    def _add_stored(self, piece: bytes, more: Iterator[bytes]) -> tuple[int, int]:
        size, crc = 0, 0
        while piece:
            size += len(piece)
            crc = crc32(piece, crc)
            self._write(piece)
            piece = next(more, b"")
        return size, crc

    def _write(self, data: bytes) -> None:
        """Pass on many small pieces as one."""
        self._at += len(data)
        self._waits += len(data)
        self._waiting.append(data)
        if self._waits >= CHUNK:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting, self._waits = self._waiting, [], 0
        self._sink(waiting[0] if len(waiting) == 1 else b"".join(waiting))

    def _finish(self) -> None:
        begin, size = self._at, self._directory.tell()
        self._directory.seek(0)
        while piece := self._directory.read(CHUNK):
            self._write(piece)
        self._write(directory_end(self.count, size, begin))
        self._flush()
