"""Writes headers of tar archives, 512 bytes each.

`tarfile` needs longer for a header than the system does for reading a small file. Only what is
rare, such as very long names, is left to it.
"""

from __future__ import annotations

import stat
import tarfile
import zlib

from gitlab_ci_provider.storage.entry import Entry

BLOCK = 512
END = bytes(2 * BLOCK)
_NAME, _PREFIX = 100, 155
_MOST_SIZE, _MOST_ID = 8**11, 8**7

_KINDS = {stat.S_IFREG: b"0", stat.S_IFDIR: b"5", stat.S_IFLNK: b"2"}


def header(entry: Entry) -> bytes:
    """Write the header of an entry, whose contents follow it, see `padding`."""
    name = entry.path.encode("utf-8", "surrogateescape")
    target = entry.target.encode("utf-8", "surrogateescape")
    if entry.is_folder:
        name += b"/"
    prefix = b""
    if len(name) > _NAME:
        prefix, name = _split(name)
    plain = (
        name
        and len(target) <= _NAME
        and entry.size < _MOST_SIZE
        and 0 <= entry.mtime < _MOST_SIZE
        and entry.uid < _MOST_ID
        and entry.gid < _MOST_ID
    )
    if not plain:
        return _rare_header(entry)
    text = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0        %c%bustar\00000%b0000000\x000000000\0%b" % (
        name.ljust(_NAME, b"\0"),
        entry.mode & 0o7777,
        entry.uid,
        entry.gid,
        entry.size,
        entry.mtime,
        _KINDS[stat.S_IFMT(entry.mode)],
        target.ljust(_NAME, b"\0"),
        bytes(64),
        prefix.ljust(_PREFIX + 12, b"\0"),
    )
    return b"%b%06o\0 %b" % (text[:148], checksum(text), text[156:])


def padding(size: int) -> bytes:
    """Return what follows contents, so that the next header begins at a multiple of 512."""
    return bytes(-size % BLOCK)


def checksum(block: bytes) -> int:
    """Add up all bytes: Adler's sums begin at 1, and 256 bytes do not reach their modulus."""
    half = BLOCK // 2
    left, right = zlib.adler32(block[:half]), zlib.adler32(block[half:])
    return (left & 0xFFFF) + (right & 0xFFFF) - 2


def _split(name: bytes) -> tuple[bytes, bytes]:
    """Split a long name at a `/`; the second part is empty when it is too long."""
    at = name.find(b"/", max(0, len(name) - _NAME - 1), len(name) - 1)
    if not 0 < at <= _PREFIX:
        return b"", b""
    return name[:at], name[at + 1 :]


def _rare_header(entry: Entry) -> bytes:
    info = tarfile.TarInfo(entry.path)
    info.mode, info.mtime = entry.mode & 0o7777, entry.mtime
    info.uid, info.gid, info.size = entry.uid, entry.gid, entry.size
    info.type = _KINDS[stat.S_IFMT(entry.mode)]
    info.linkname = entry.target
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
