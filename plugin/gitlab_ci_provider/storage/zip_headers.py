"""Writes the records of zip archives: a header before each member, the directory at the end.

Names are UTF-8; others are stored as they are, without the mark of UTF-8, as Go and Info-ZIP do.
Modes, times in UTC and owners are stored as Info-ZIP does. Sizes and counts that do not fit are
stored in the fields of Zip64, which all current programs read.
"""

from __future__ import annotations

import stat
import struct
from functools import lru_cache
from time import gmtime
from typing import NamedTuple

from gitlab_ci_provider.storage.entry import Entry

STORED, DEFLATED, ZSTANDARD = 0, 8, 93
TIME, OWNER = 0x5455, 0x7875
"""Extra fields of Info-ZIP: a time in whole seconds, and the owner."""

EARLIEST, LATEST = 315532800, 4354819198
"""1980 and 2107: the times that a zip archive can hold."""

UNIX = 3
"""The system of a program that has made an archive."""

UTF8 = 0x800
"""A flag: the name is UTF-8."""

_FOLLOWS = 8
"""A flag: checksum and sizes follow the contents."""

_USUAL_VERSION = 20
_ZSTANDARD_VERSION = 63
"""Of the format; programs that know less do not know that method."""

_ZIP64 = 1
_FULL, _MANY = 0xFFFFFFFF, 0xFFFF
_LARGE = 2**31
"""Bytes; a member of this size could be larger when it is compressed, and needs room for that."""

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_MADE_BY, _VERSION, _EXTRA_LENGTH, _OFFSET = 1, 2, 11, 16
"""Which fields of a record these are."""

_LENGTHS, _LENGTHS_AT = struct.Struct("<3H"), 28
_PLACE, _PLACE_AT = struct.Struct("<I"), 42
UNIX_FIELDS = struct.Struct("<HHBiHHBBIBI")
"""Both extra fields, as they are written here."""

_SIZES = struct.Struct("<HHQQ")


class Packed(NamedTuple):
    """How the contents of a member are in an archive.

    Attributes:
        method: STORED, DEFLATED or ZSTANDARD.
        crc: of the contents.
        size: of the contents; `packed` what is left of them.
        offset: of the member's header.
        follows: checksum and sizes are not in the header, but in a record after the contents.
    """

    method: int = STORED
    crc: int = 0
    size: int = 0
    packed: int = 0
    offset: int = 0
    follows: bool = False


def records(entry: Entry, packed: Packed) -> tuple[bytes, bytes]:
    """Write what goes before the contents of a small member, and what the directory says of it.

    The same as the two functions below: most members are small, and there are many of them.
    """
    path, mode, mtime, uid, gid, _, _ = entry
    method, crc, size, in_archive, offset, _ = packed
    is_folder = stat.S_ISDIR(mode)
    name = (f"{path}/" if is_folder else path).encode("utf-8", "surrogateescape")
    time, day, extra = _stamp(mtime, uid, gid)
    version = _ZSTANDARD_VERSION if method == ZSTANDARD else _USUAL_VERSION
    flags = UTF8 if _is_marked(name) else 0
    both = (flags, method, time, day, crc, in_archive, size, len(name), len(extra))
    shown = mode << 16 | is_folder << 4
    central = _CENTRAL.pack(b"PK\1\2", UNIX << 8 | version, version, *both, 0, 0, 0, shown, offset)
    named = name + extra
    return _LOCAL.pack(b"PK\3\4", version, *both) + named, central + named


def placed(records: bytes, begin: int) -> bytes:
    """Return records of small members, the first of which begins there."""
    found: list[bytes] = []
    at = 0
    while at < len(records):
        end = at + _CENTRAL.size + sum(_LENGTHS.unpack_from(records, at + _LENGTHS_AT))
        record = records[at:end]
        place = begin + _PLACE.unpack_from(record, _PLACE_AT)[0]
        if place < _FULL:
            found += (record[:_PLACE_AT], _PLACE.pack(place), record[_CENTRAL.size :])
        else:
            found.append(_far(record, place))
        at = end
    return b"".join(found)


def _far(record: bytes, place: int) -> bytes:
    """Give a record a place that needs the field for large archives."""
    fields = list(_CENTRAL.unpack_from(record))
    extra = struct.pack("<HHQ", _ZIP64, 8, place)
    fields[_VERSION] = max(45, fields[_VERSION])
    fields[_MADE_BY] = UNIX << 8 | fields[_VERSION]
    fields[_EXTRA_LENGTH] += len(extra)
    fields[_OFFSET] = _FULL
    return _CENTRAL.pack(*fields) + record[_CENTRAL.size :] + extra


def local_header(entry: Entry, packed: Packed) -> bytes:
    """Write what goes before the contents of a member."""
    name = member_name(entry).encode("utf-8", "surrogateescape")
    time, day, extra = _stamp(entry.mtime, entry.uid, entry.gid)
    size, in_archive, version = packed.size, packed.packed, _version(packed, large=False)
    if entry.size >= _LARGE:
        extra += _SIZES.pack(_ZIP64, 16, size, in_archive)
        size, in_archive, version = _FULL, _FULL, _version(packed, large=True)
    fixed = _LOCAL.pack(
        b"PK\3\4",
        version,
        _flags(name, packed),
        packed.method,
        time,
        day,
        packed.crc,
        in_archive,
        size,
        len(name),
        len(extra),
    )
    return fixed + name + extra


def descriptor(entry: Entry, packed: Packed) -> bytes:
    """Write what follows the contents of a member whose header does not say it."""
    sizes = "<4sIQQ" if entry.size >= _LARGE else "<4sIII"
    return struct.pack(sizes, b"PK\7\x08", packed.crc, packed.packed, packed.size)


def directory_record(entry: Entry, packed: Packed) -> bytes:
    """Write what the directory says of a member."""
    name = member_name(entry).encode("utf-8", "surrogateescape")
    time, day, extra = _stamp(entry.mtime, entry.uid, entry.gid)
    values = (packed.size, packed.packed, packed.offset)
    large = [value for value in values if value >= _FULL]
    if large:
        extra += struct.pack(f"<HH{len(large)}Q", _ZIP64, 8 * len(large), *large)
    size, in_archive, offset = (min(value, _FULL) for value in values)
    version = _version(packed, large=bool(large) or entry.size >= _LARGE)
    fixed = _CENTRAL.pack(
        b"PK\1\2",
        UNIX << 8 | version,
        version,
        _flags(name, packed),
        packed.method,
        time,
        day,
        packed.crc,
        in_archive,
        size,
        len(name),
        len(extra),
        0,
        0,
        0,
        entry.mode << 16 | (0x10 if entry.is_folder else 0),
        offset,
    )
    return fixed + name + extra


def directory_end(count: int, size: int, offset: int) -> bytes:
    """Write the end of an archive: how many members its directory has, and where it is."""
    more = b""
    if count >= _MANY or size >= _FULL or offset >= _FULL:
        more = struct.pack(
            "<4sQHHIIQQQQ", b"PK\6\6", 44, UNIX << 8 | 45, 45, 0, 0, count, count, size, offset
        )
        more += struct.pack("<4sIQI", b"PK\6\7", 0, offset + size, 1)
    count, size, offset = min(count, _MANY), min(size, _FULL), min(offset, _FULL)
    return more + struct.pack("<4s4HIIH", b"PK\5\6", 0, 0, count, count, size, offset, 0)


def member_name(entry: Entry) -> str:
    """Return the name of a member: a folder's ends with a slash."""
    return f"{entry.path}/" if entry.is_folder else entry.path


def _flags(name: bytes, packed: Packed) -> int:
    return (UTF8 if _is_marked(name) else 0) | (_FOLLOWS if packed.follows else 0)


def _is_marked(name: bytes) -> bool:
    """Return whether a name says that it is UTF-8."""
    if name.isascii():
        return False
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _version(packed: Packed, *, large: bool) -> int:
    """Say which version of the format a program must know."""
    if packed.method == ZSTANDARD:
        return _ZSTANDARD_VERSION
    return 45 if large else _USUAL_VERSION


@lru_cache
def _stamp(mtime: int, uid: int, gid: int) -> tuple[int, int, bytes]:
    """Return the time and the day of a moment, in UTC, and both extra fields."""
    year, month, day, hour, minute, second = gmtime(min(max(mtime, EARLIEST), LATEST))[:6]
    seconds = min(max(mtime, -(2**31)), 2**31 - 1)
    extra = UNIX_FIELDS.pack(TIME, 5, 1, seconds, OWNER, 11, 1, 4, uid, 4, gid)
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day, extra
