"""Reads the directory of a zip archive that a stranger has made, piece by piece.

`zipfile` keeps an object of each member, which for a million of them is most of a gigabyte.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

from gitlab_ci_provider.storage.entry import ArchiveError
from gitlab_ci_provider.storage.zip_headers import UNIX, UTF8

_END = struct.Struct("<4s4HIIH")
_END_64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_RECORD = struct.Struct("<4s4B4HIIIHHHHHII")
_SIZE = 11
"""Which field of a record this is."""

_LONGEST_COMMENT = 0xFFFF
_LONGEST_RECORD = _RECORD.size + 3 * 0xFFFF
_FULL, _MANY = 0xFFFFFFFF, 0xFFFF
_ENCRYPTED = 1
_ODD = re.compile(rb"(?:^|/)\.{0,2}(?:/|$)")
"""Ways to write the same path otherwise."""

_ZIP64 = 1
_CHUNK = 1024 * 1024


class Member(NamedTuple):
    """What the directory says of a member, in the words of `zipfile`.

    Attributes:
        raw_name: its name as it is written.
        packed: bytes of its contents in the archive.
        header: where its own header begins.
        dos_time: a day and a time, as the format has them.
    """

    raw_name: bytes
    filename: str
    method: int
    crc: int
    file_size: int
    packed: int
    header: int
    external_attr: int
    extra: bytes
    dos_time: tuple[int, int]

    @property
    def date_time(self) -> tuple[int, int, int, int, int, int]:
        """Return its time, in no certain time zone."""
        day, time = self.dos_time
        date = (day >> 9) + 1980, day >> 5 & 15, day & 31
        return *date, time >> 11, time >> 5 & 63, (time & 31) * 2

    def is_dir(self) -> bool:
        """Return whether its name is that of a folder."""
        return self.filename.endswith("/")


class ZipDirectory:
    """The directory of an archive.

    Args:
        file: descriptor of the archive.

    Attributes:
        begin: where it begins, after all members.
        count: of members, as the archive says.

    Raises:
        ArchiveError: there is none.
    """

    def __init__(self, file: int):
        self._file = file
        self.count, self._length, offset, end = _find(file)
        self.begin = end - self._length
        # An archive may follow a program that unpacks it: its places count from its own beginning.
        self._shift = self.begin - offset
        if self._shift < 0 or self.begin < 0:
            raise broken("its directory is not where it says")

    def survey(self) -> tuple[int, bool]:
        """Add up how many bytes the members have, as the archive says.

        Returns:
            the bytes, and whether the order of members means nothing: no two have the same place,
            and none is in the way of another one.
        """
        total, paths, files, folders = 0, set[int](), array("q"), set[int]()
        last, odd = b"", False
        for fields, name, extra in self._records():
            total += _values(fields, extra)[0]
            path = name.rstrip(b"/")
            paths.add(hash(path))
            if path == name:
                files.append(hash(path))
            odd = odd or _ODD.search(path) is not None
            folder = path.rpartition(b"/")[0]
            if folder != last:
                last = folder
                _add_folders(folders, folder)
        return total, not odd and len(paths) == self.count and folders.isdisjoint(files)

    def __iter__(self) -> Iterator[Member]:
        """Yield the members in their order; raises ArchiveError when the directory is broken."""
        return self.share(0, 1)

    def share(self, number: int, count: int) -> Iterator[Member]:
        """Yield what one of several readers takes: whole folders, but large files in turn."""
        for position, (fields, name, extra) in enumerate(self._records()):
            folder = name.rstrip(b"/").rpartition(b"/")[0]
            turn = position if fields[_SIZE] >= _CHUNK else zlib.crc32(folder)
            if turn % count == number:
                yield _member(fields, name, extra, self._shift)

    def _records(self) -> Iterator[tuple[tuple[Any, ...], bytes, bytes]]:
        """Yield the fixed fields, the name and the other fields of each record."""
        at, left, found = self.begin, self._length, 0
        data, place = b"", 0
        while place < len(data) or left:
            if left and len(data) - place < _LONGEST_RECORD:
                more = os.pread(self._file, min(left, _CHUNK), at)
                if not more:
                    raise broken("its directory ends too early")
                at, left = at + len(more), left - len(more)
                data, place = data[place:] + more, 0
                continue
            after = place + _RECORD.size
            if after > len(data):
                raise broken("its directory ends too early")
            fields = _RECORD.unpack_from(data, place)
            named = after + fields[12]
            end = named + fields[13]
            place = end + fields[14]
            if fields[0] != b"PK\1\2" or place > len(data):
                raise broken("a record of its directory is malformed")
            found += 1
            yield fields, data[after:named], data[named:end]
        if found != self.count:
            raise broken(f"it has {found} members instead of {self.count}")


def broken(words: str) -> ArchiveError:
    """Return the error for an archive that is damaged or forged."""
    return ArchiveError(f"broken zip archive: {words}")


def _find(file: int) -> tuple[int, int, int, int]:
    """Find the directory: members, bytes, its place as the archive says, and its real end."""
    size = os.fstat(file).st_size
    begin = max(0, size - _END.size - _LONGEST_COMMENT)
    tail = os.pread(file, size - begin, begin)
    at = tail.rfind(b"PK\5\6")
    while at >= 0:
        record = tail[at : at + _END.size]
        if len(record) == _END.size and at + _END.size + _END.unpack(record)[7] == len(tail):
            break
        at = tail.rfind(b"PK\5\6", 0, at)
    else:
        raise broken("it has no directory: it ends too early, or is not a zip archive")
    _, _, _, _, count, length, offset, _ = _END.unpack(record)
    if count == _MANY or _FULL in {length, offset}:
        return _find_64(file, begin + at) or (count, length, offset, begin + at)
    return count, length, offset, begin + at


def _find_64(file: int, end: int) -> tuple[int, int, int, int] | None:
    """Find the record for large archives, before another one at `end`; None if there is none."""
    start = end - _LOCATOR.size - _END_64.size
    data = os.pread(file, _END_64.size + _LOCATOR.size, start) if start >= 0 else b""
    if len(data) < _END_64.size + _LOCATOR.size or data[_END_64.size :][:4] != b"PK\6\7":
        return None
    mark, _, _, _, _, _, _, count, length, offset = _END_64.unpack(data[: _END_64.size])
    return (count, length, offset, start) if mark == b"PK\6\6" else None


def _member(fields: tuple[Any, ...], name: bytes, extra: bytes, shift: int) -> Member:
    _, _, system, _, _, flags, method, time, day, crc, _, _, _, _, _, _, _, external, _ = fields
    if flags & _ENCRYPTED:
        raise broken("a member is encrypted")
    size, packed, offset = _values(fields, extra)
    return Member(
        raw_name=name,
        filename=_text(name, marked=bool(flags & UTF8), system=system),
        method=method,
        crc=crc,
        file_size=size,
        packed=packed,
        header=offset + shift,
        external_attr=external,
        extra=extra,
        dos_time=(day, time),
    )


def _add_folders(known: set[int], folder: bytes) -> None:
    """Add a folder and those that it is in."""
    while folder and hash(folder) not in known:
        known.add(hash(folder))
        folder = folder.rpartition(b"/")[0]


def _text(name: bytes, *, marked: bool, system: int) -> str:
    """Read a name: without the mark of UTF-8, Unix has stored the bytes of a file's name."""
    if marked:
        return name.decode()
    return name.decode("utf-8", "surrogateescape") if system == UNIX else name.decode("cp437")


def _values(fields: tuple[Any, ...], extra: bytes) -> tuple[int, ...]:
    """Return the size of a member, that of its packed contents, and its place."""
    packed, size, offset = fields[10], fields[11], fields[18]
    if _FULL in (size, packed, offset):
        return _large(extra, size, packed, offset)
    return size, packed, offset


def _large(extra: bytes, *values: int) -> tuple[int, ...]:
    """Replace values that did not fit by those of the field for large archives."""
    place = 0
    while len(extra) - place >= 4:
        kind, length = struct.unpack_from("<HH", extra, place)
        place += 4
        if kind == _ZIP64:
            field = extra[place : place + length]
            given = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
            return tuple(next(given, value) if value == _FULL else value for value in values)
        place += length
    return values
