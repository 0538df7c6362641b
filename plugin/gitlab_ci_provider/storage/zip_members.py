"""What the members of zip archives are, and how one is written below a folder."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from io import BytesIO
from typing import Protocol

from gitlab_ci_provider.storage.entry import ArchiveError, Entry
from gitlab_ci_provider.storage.frames import ahead
from gitlab_ci_provider.storage.tree_reader import CHUNK
from gitlab_ci_provider.storage.tree_writer import Contents, TreeWriter
from gitlab_ci_provider.storage.zip_directory import Member
from gitlab_ci_provider.storage.zip_headers import EARLIEST, OWNER, TIME, UNIX_FIELDS
from gitlab_ci_provider.storage.zip_reader import MemberReader, unpacked

_LONGEST_LINK = 4096

BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)
"""What `zipfile` and system calls raise for damaged or forged archives."""


def is_folder(member: Member) -> bool:
    """Return whether a member is a folder."""
    return stat.S_ISDIR(_mode(member))


def write_folder(writer: TreeWriter, member: Member) -> None:
    """Write a member that is a folder."""
    writer.write(described(member, BytesIO()), None)


def write_member(writer: TreeWriter, reader: MemberReader, member: Member) -> None:
    """Write a member, whatever it is.

    Raises:
        ArchiveError: it is broken, or would be outside the folder.
        OSError: it cannot be written.
    """
    if member.file_size < CHUNK and member.packed < CHUNK:
        contents = BytesIO(unpacked(member, reader.packed(member)))
        writer.write(described(member, contents), contents)
        return
    with closing(ahead(reader.pieces(member))) as found:
        pieces = _Pieces(found)
        writer.write(described(member, pieces), pieces)


class _Pieces:
    """Contents that come in pieces of at most a chunk."""

    def __init__(self, pieces: Iterator[bytes]):
        self._pieces = pieces

    def read(self, _size: int, /) -> bytes:
        """Return the next piece."""
        return next(self._pieces, b"")


class Described(Protocol):
    """What `zipfile` and our own reader say of a member."""

    @property
    def filename(self) -> str:
        """Its name."""

    @property
    def external_attr(self) -> int:
        """Its mode."""

    @property
    def extra(self) -> bytes:
        """Other fields."""

    @property
    def file_size(self) -> int:
        """Bytes of its contents."""

    @property
    def date_time(self) -> tuple[int, int, int, int, int, int]:
        """Its time, in no certain time zone."""

    def is_dir(self) -> bool:
        """Return whether its name is that of a folder."""


def described(info: Described, contents: Contents) -> Entry:
    """Read what an archive says of a member; raises ArchiveError for a link that is too long."""
    mode = _mode(info)
    mtime, uid, gid = _ours(info.extra) or _theirs(info)
    link = stat.S_ISLNK(mode)
    target = bytes(contents.read(_LONGEST_LINK + 1)) if link else b""
    if len(target) > _LONGEST_LINK:
        raise ArchiveError(f"refused: the link {info.filename!r} is too long")
    return Entry(
        path=info.filename.rstrip("/"),
        mode=mode,
        mtime=mtime,
        uid=uid,
        gid=gid,
        size=info.file_size,
        target=target.decode("utf-8", "surrogateescape"),
    )


def _mode(info: Described) -> int:
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode):
        return mode
    # Made by a program that does not store Unix modes.
    return (stat.S_IFDIR | 0o755) if info.is_dir() else (stat.S_IFREG | (mode or 0o644))


def _ours(data: bytes) -> tuple[int, int, int] | None:
    """Read time and owner as we write them; None for fields of others."""
    if len(data) != UNIX_FIELDS.size:
        return None
    time, _, kinds, mtime, owner, _, version, first, uid, second, gid = UNIX_FIELDS.unpack(data)
    if (time, kinds, owner, version, first, second) != (TIME, 1, OWNER, 1, 4, 4):
        return None
    return mtime, uid, gid


def _theirs(info: Described) -> tuple[int, int, int]:
    extra = dict(_extra(info.extra))
    return _mtime(info, extra.get(TIME, b"")), *_owner(extra.get(OWNER, b""))


def _extra(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        kind, length = struct.unpack("<HH", data[:4])
        yield kind, data[4 : 4 + length]
        data = data[4 + length :]


def _mtime(info: Described, field: bytes) -> int:
    if len(field) >= 5 and field[0] & 1:
        return int(struct.unpack("<i", field[1:5])[0])
    try:
        return int(datetime(*info.date_time, tzinfo=UTC).timestamp())
    except ValueError:
        return EARLIEST


def _owner(field: bytes) -> tuple[int, int]:
    if len(field) == 11 and field[1] == field[6] == 4:
        _, _, uid, _, gid = struct.unpack("<BBIBI", field)
        return uid, gid
    return 0, 0
