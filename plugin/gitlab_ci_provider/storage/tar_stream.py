"""Reads a tar archive that a stranger has made: entry by entry, each with its contents.

`tarfile` needs longer for an entry than the system does for writing a small file. This reads files,
folders and symbolic links, with long names and attributes as POSIX and GNU tar write them; for
anything else the entry has no kind, and the writer refuses it.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator

from gitlab_ci_provider.storage.entry import ArchiveError, Entry
from gitlab_ci_provider.storage.tar_headers import BLOCK, checksum

_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s80s155s12x")
_KINDS = {b"0": stat.S_IFREG, b"\0": stat.S_IFREG, b"5": stat.S_IFDIR, b"2": stat.S_IFLNK}
_POSIX, _POSIX_FOR_ALL, _LONG_NAME, _LONG_TARGET = b"x", b"g", b"L", b"K"
_ATTRIBUTES = {_POSIX, _POSIX_FOR_ALL, _LONG_NAME, _LONG_TARGET}
_LONGEST_ATTRIBUTES = 1_000_000


class TarStream:
    """Goes through an archive.

    Args:
        pieces: the archive, cut anywhere.
    """

    def __init__(self, pieces: Iterator[bytes]):
        self._pieces = pieces
        self._piece = memoryview(b"")
        self._left = 0
        self._for_all: dict[str, str] = {}

    def entries(self) -> Iterator[Entry]:
        """Yield the entries; the contents of each can be `read` before the next one is requested.

        Raises:
            ArchiveError: the archive is broken.
        """
        changes: dict[str, str] = {}
        while True:
            block = self._take(BLOCK)
            fields = _FIELDS.unpack(block)
            if int(fields[6].strip(b" \0") or b"0", 8) != _sum_without_itself(block, fields[6]):
                if block == bytes(BLOCK):
                    return
                raise ArchiveError("broken tar archive: the checksum of a header is wrong")
            kind, entry = fields[7], _entry(fields)
            if kind in _ATTRIBUTES:
                found = self._attributes(kind, entry.size)
                (self._for_all if kind == _POSIX_FOR_ALL else changes).update(found)
                continue
            if changes or self._for_all:
                entry = _changed(entry, {**self._for_all, **changes})
                changes = {}
            size = entry.size
            self._left = size if entry.is_file else 0
            yield entry
            self._skip(self._left + (-size % BLOCK if entry.is_file else 0))
            self._left = 0

    def read(self, size: int) -> memoryview:
        """Read contents of the current entry; empty at their end."""
        wanted = min(size, self._left)
        if wanted and not len(self._piece):
            self._next_piece()
        found, self._piece = self._piece[:wanted], self._piece[wanted:]
        self._left -= len(found)
        return found

    def _attributes(self, kind: bytes, size: int) -> dict[str, str]:
        if size > _LONGEST_ATTRIBUTES:
            raise ArchiveError(f"refused: a name or attribute of {size} bytes")
        data = self._take(size)
        self._skip(-size % BLOCK)
        if kind == _LONG_NAME:
            return {"path": _text(data)}
        if kind == _LONG_TARGET:
            return {"linkpath": _text(data)}
        return dict(_records(data))

    def _take(self, size: int) -> bytes:
        """Read exactly so many bytes."""
        found = bytes(self._piece[:size])
        self._piece = self._piece[size:]
        while len(found) < size:
            self._next_piece()
            missing = size - len(found)
            found += self._piece[:missing]
            self._piece = self._piece[missing:]
        return found

    def _skip(self, size: int) -> None:
        while size > len(self._piece):
            size -= len(self._piece)
            self._next_piece()
        self._piece = self._piece[size:]

    def _next_piece(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise ArchiveError("broken tar archive: it ends too early")
        self._piece = memoryview(piece)


def _sum_without_itself(block: bytes, field: bytes) -> int:
    return checksum(block) - sum(field) + 8 * ord(" ")


def _entry(fields: tuple[bytes, ...]) -> Entry:
    name, mode, uid, gid, size, mtime, _, kind, target, magic, _, prefix = fields
    path = _text(name)
    if prefix[0] and magic.startswith(b"ustar\0"):
        path = f"{_text(prefix)}/{path}"
    type_ = _KINDS.get(kind, 0)
    if kind == b"\0" and path.endswith("/"):
        type_ = stat.S_IFDIR  # as before POSIX
    size_ = _number(size)
    if size_ < 0:
        raise ArchiveError("broken tar archive: a size is negative")
    return Entry(
        path=path.rstrip("/") if type_ == stat.S_IFDIR else path,
        mode=type_ | (_number(mode) & 0o7777),
        mtime=_number(mtime),
        uid=_number(uid),
        gid=_number(gid),
        size=size_,
        target=_text(target) if target[0] else "",
    )


def _changed(entry: Entry, attributes: dict[str, str]) -> Entry:
    """Apply the attributes that came before an entry; those of other programs mean nothing here."""
    if any(name.startswith("GNU.sparse") for name in attributes):
        raise ArchiveError(f"refused: {entry.path} is stored as a sparse file")
    path = attributes.get("path", entry.path)
    size = int(attributes.get("size", entry.size))
    if size < 0:
        raise ArchiveError("broken tar archive: a size is negative")
    return entry._replace(
        path=path.rstrip("/") if entry.is_folder else path,
        target=attributes.get("linkpath", entry.target),
        size=size,
        mtime=int(float(attributes.get("mtime", entry.mtime))),
        uid=int(attributes.get("uid", entry.uid)),
        gid=int(attributes.get("gid", entry.gid)),
    )


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """Read POSIX attributes: `length name=value`, each with a line end."""
    while data:
        length, _, _ = data.partition(b" ")
        end = int(length)
        record, data = data[len(length) + 1 : end], data[end:]
        if end <= len(length) or not record.endswith(b"\n"):
            raise ArchiveError("broken tar archive: an attribute is malformed")
        name, _, value = record[:-1].partition(b"=")
        yield _text(name), _text(value)


def _number(field: bytes) -> int:
    """Read an octal number, or GNU's binary one."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:])
    if field[0] == 0xFF:
        return int.from_bytes(field, signed=True)
    return int(field.strip(b" \0") or b"0", 8)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")
