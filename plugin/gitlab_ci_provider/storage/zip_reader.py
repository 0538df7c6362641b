"""Reads the members of a zip archive that a stranger has made.

Whatever a member is, no more than the size that the directory states comes out of it, and its
CRC-32 is compared.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator

from isal.igzip_lib import DECOMP_DEFLATE, IgzipDecompressor, IsalError
from isal.isal_zlib import crc32

from gitlab_ci_provider.storage.entry import ArchiveError
from gitlab_ci_provider.storage.frames import decompressed
from gitlab_ci_provider.storage.zip_directory import Member, broken
from gitlab_ci_provider.storage.zip_headers import DEFLATED, STORED, ZSTANDARD

_LOCAL = struct.Struct("<4s22xHH")
_CHUNK = 1024 * 1024
_WINDOW = 4 * _CHUNK


class MemberReader:
    """Finds contents in an archive.

    Args:
        file: descriptor of the archive.
        end: where its members end.
    """

    def __init__(self, file: int, end: int):
        self._file = file
        self._end = end
        self._window = b""
        self._begin = 0

    def packed(self, member: Member) -> bytes:
        """Read the contents of a small member as they are in the archive."""
        return self._read(self._place(member), member.packed)

    def pieces(self, member: Member) -> Iterator[bytes]:
        """Yield the contents of a large member; raises ArchiveError when they are broken."""
        source = _Section(self._file, self._place(member), member.packed)
        size, crc = 0, 0
        for piece in _unpacked(source, member):
            size += len(piece)
            if size > member.file_size:
                break
            crc = crc32(piece, crc)
            yield piece
        _compare(member, size, crc)

    def _place(self, member: Member) -> int:
        """Return where the contents of a member begin."""
        mark, name_length, extra_length = _LOCAL.unpack(self._read(member.header, _LOCAL.size))
        name_at = member.header + _LOCAL.size
        if mark != b"PK\3\4" or self._read(name_at, name_length) != member.raw_name:
            raise broken(f"the header of {member.filename!r} is another one's")
        begin: int = name_at + name_length + extra_length
        if begin + member.packed > self._end:
            raise broken(f"{member.filename!r} ends after the archive")
        return begin

    def _read(self, at: int, size: int) -> bytes:
        """Read exactly so many bytes; members follow each other, so most have been read by now."""
        begin = at - self._begin
        if begin < 0 or begin + size > len(self._window):
            self._window = os.pread(self._file, max(size, _WINDOW), at)
            self._begin, begin = at, 0
        found = self._window[begin : begin + size]
        if len(found) != size:
            raise broken("it ends too early")
        return found


def unpacked(member: Member, packed: bytes) -> bytes:
    """Return the contents of a small member; raises ArchiveError when they are broken."""
    if member.method == STORED:
        contents = packed
    elif member.method == DEFLATED:
        try:
            contents = IgzipDecompressor(DECOMP_DEFLATE).decompress(packed, member.file_size + 1)
        except IsalError:  # type: ignore[misc]  # its stub calls it an instance
            raise _wrong(member) from None
    else:
        left, pieces = member.file_size, []
        for piece in _unpacked(io.BytesIO(packed), member):
            pieces.append(piece)
            left -= len(piece)
            if left < 0:
                break
        contents = b"".join(pieces)
    _compare(member, len(contents), crc32(contents))
    return contents


def _compare(member: Member, size: int, crc: int) -> None:
    if size != member.file_size or crc != member.crc:
        raise _wrong(member)


def _wrong(member: Member) -> ArchiveError:
    return broken(f"bad CRC-32 or size of {member.filename!r}")


class _Section(io.RawIOBase):
    """A part of a file."""

    def __init__(self, file: int, begin: int, length: int):
        super().__init__()
        self._file = file
        self._at = begin
        self._end = begin + length

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = self._end - self._at
        found = os.pread(self._file, left if size < 0 else min(size, left), self._at)
        self._at += len(found)
        return found


def _unpacked(source: io.RawIOBase | io.BytesIO, member: Member) -> Iterator[bytes]:
    if member.method == STORED:
        while piece := source.read(_CHUNK):
            yield piece
    elif member.method == DEFLATED:
        try:
            yield from _inflated(source)
        except IsalError:  # type: ignore[misc]  # its stub calls it an instance
            raise _wrong(member) from None
    elif member.method == ZSTANDARD:
        yield from decompressed(source)
    else:
        raise broken(f"{member.filename!r} is compressed by the unknown method {member.method}")


def _inflated(source: io.RawIOBase | io.BytesIO) -> Iterator[bytes]:
    unpacker = IgzipDecompressor(DECOMP_DEFLATE)
    while not unpacker.eof:
        packed = source.read(_CHUNK) or b"" if unpacker.needs_input else b""
        if not packed and unpacker.needs_input:
            return
        if piece := unpacker.decompress(packed, _CHUNK):
            yield piece
