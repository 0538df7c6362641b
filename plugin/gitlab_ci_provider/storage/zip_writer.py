"""Writes zip archives, compressed on all cores.

Small files are compressed many at a time, in one thread; a large file in pieces, each of which
knows the end of the piece before it, as `pigz` does. Members have their order, so the same files
make the same bytes. What does not shrink is stored as it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Self

from gitlab_ci_provider.storage.entry import Entry
from gitlab_ci_provider.storage.in_order import InOrder
from gitlab_ci_provider.storage.tree_reader import CHUNK, Found
from gitlab_ci_provider.storage.zip_headers import (
    DEFLATED,
    STORED,
    Packed,
    directory_end,
    directory_record,
    local_header,
)

_LEVEL = 1
"""The fastest: level 6 makes archives a tenth smaller and takes three times as long."""

_SAMPLE = 64 * 1024
_WORTH = 0.95
"""Contents that do not shrink below this ratio are not compressed."""

_WINDOW = 32 * 1024
_END = b"\3\0"
"""An empty last block: it ends the blocks of all pieces."""

_BATCH = 256
"""Small files that are compressed together, at most."""


class ZipWriter:
    """A new archive; use as a context manager. Until that has ended, it is not an archive."""

    def __init__(self, archive: Path):
        self._path = archive
        self._exit = ExitStack()
        self._batch: list[tuple[Entry, bytes]] = []
        self._batched = 0
        self._count = 0
        self._at = 0

    def __enter__(self) -> Self:
        """Create the file; the directory is collected in another one: it can be large."""
        self._file: IO[bytes] = self._exit.enter_context(self._path.open("wb"))
        self._directory: IO[bytes] = self._exit.enter_context(TemporaryFile(dir=self._path.parent))
        self._threads = self._exit.enter_context(InOrder("deflate"))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write the directory, unless something has failed."""
        if kind is not None:
            self._exit.__exit__(kind, None, None)
            return
        with self._exit:
            self._submit()
            self._threads.finish()
            self._finish()

    def add(self, found: Found) -> Entry:
        """Add a file with its contents, a folder or a link."""
        entry = found.entry()
        if found.descriptor >= 0 and entry.size >= CHUNK:
            self._submit()
            return self._add_large(entry, found)
        contents = b""
        if found.descriptor >= 0:
            contents = found.read_whole()
            if len(contents) != entry.size:
                entry = replace(entry, size=len(contents))
        elif entry.is_link:
            contents = entry.target.encode("utf-8", "surrogateescape")
        self._batch.append((entry, contents))
        self._batched += len(contents)
        if self._batched >= CHUNK or len(self._batch) >= _BATCH:
            self._submit()
        return entry

    def _submit(self) -> None:
        batch, self._batch, self._batched = self._batch, [], 0
        if not batch:
            return

        def write(packed: list[tuple[Packed, bytes]]) -> None:
            for (entry, _), (how, data) in zip(batch, packed, strict=True):
                self._write_member(entry, how, data)

        self._threads.submit(_deflate_all, [contents for _, contents in batch], then=write)

    def _write_member(self, entry: Entry, how: Packed, data: bytes) -> None:
        how = replace(how, offset=self._at)
        self._write(local_header(entry, how) + data)
        self._list(entry, how)

    def _add_large(self, entry: Entry, found: Found) -> Entry:
        """Add a file piece by piece; its header is written again when all is known."""
        self._threads.finish()
        offset = self._at
        self._write(local_header(entry, Packed()))
        begin = self._at
        pieces = found.pieces()
        first = next(pieces, b"")
        method = DEFLATED if _shrinks(first) else STORED
        add = self._add_deflated if method == DEFLATED else self._add_stored
        size, crc = add(first, pieces)
        how = Packed(method=method, crc=crc, size=size, packed=self._at - begin, offset=offset)
        self._file.seek(offset)
        self._file.write(local_header(entry, how))
        self._file.seek(self._at)
        self._list(entry, how)
        return replace(entry, size=size)

    def _add_deflated(self, piece: bytes, more: Iterator[bytes]) -> tuple[int, int]:
        size, crc, before = 0, 0, b""
        while piece:
            size += len(piece)
            crc = zlib.crc32(piece, crc)
            self._threads.submit(_deflate_piece, piece, before, then=self._write)
            before, piece = piece[-_WINDOW:], next(more, b"")
        self._threads.finish()
        self._write(_END)
        return size, crc

    def _add_stored(self, piece: bytes, more: Iterator[bytes]) -> tuple[int, int]:
        size, crc = 0, 0
        while piece:
            size += len(piece)
            crc = zlib.crc32(piece, crc)
            self._write(piece)
            piece = next(more, b"")
        return size, crc

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._at += len(data)

    def _list(self, entry: Entry, how: Packed) -> None:
        self._directory.write(directory_record(entry, how))
        self._count += 1

    def _finish(self) -> None:
        begin, size = self._at, self._directory.tell()
        self._directory.seek(0)
        while piece := self._directory.read(CHUNK):
            self._write(piece)
        self._write(directory_end(self._count, size, begin))


def _deflate_all(contents: list[bytes]) -> list[tuple[Packed, bytes]]:
    return [_deflated(data) for data in contents]


def _deflated(data: bytes) -> tuple[Packed, bytes]:
    size, crc = len(data), zlib.crc32(data)
    if size <= _SAMPLE or _shrinks(data):
        packed = zlib.compress(data, _LEVEL, -zlib.MAX_WBITS)
        if len(packed) < size:
            return Packed(method=DEFLATED, crc=crc, size=size, packed=len(packed)), packed
    return Packed(crc=crc, size=size, packed=size), data


def _deflate_piece(piece: bytes, before: bytes) -> bytes:
    settings = (_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_DEFAULT_STRATEGY)
    packer = zlib.compressobj(*settings, before) if before else zlib.compressobj(*settings)
    return packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)


def _shrinks(data: bytes) -> bool:
    """Try the beginning of a file: compressing images, packages and archives wastes time."""
    sample = data[:_SAMPLE]
    return len(zlib.compress(sample, _LEVEL)) < len(sample) * _WORTH
