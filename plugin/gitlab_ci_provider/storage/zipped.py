"""Artifacts: zip archives that any program can open, with Unix modes, times, owners and links."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from gitlab_ci_provider.model.plan import ArchiveLimits
from gitlab_ci_provider.storage.entry import ArchiveError, Entry
from gitlab_ci_provider.storage.limits import Meter
from gitlab_ci_provider.storage.tree_reader import TreeReader
from gitlab_ci_provider.storage.tree_writer import TreeWriter
from gitlab_ci_provider.storage.zip_headers import EARLIEST, OWNER, TIME
from gitlab_ci_provider.storage.zip_writer import ZipWriter

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


def pack_zip(
    target: ZipWriter, root: Path, paths: Iterable[str], warn: Callable[[str], None]
) -> list[Entry]:
    """Add paths below a folder to an archive; return what went into it.

    Raises:
        OSError: a file cannot be read, or the archive cannot be written.
    """
    with TreeReader(root, warn) as reader:
        return [target.add(found) for found in reader.find(_with_utf8_names(paths, warn))]


def unpack_zip(
    archive: Path, root: Path, limits: ArchiveLimits, wrote: Callable[[str], None]
) -> int:
    """Write an archive's entries below a folder; return how many.

    The sizes that the archive states are counted before anything is written; `zipfile` never yields
    more than that for an entry.

    Raises:
        ArchiveError: it is broken, contains too much, or would write outside the folder.
        OSError: a file cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as source, TreeWriter(root) as writer:
            meter = Meter(limits, archive.stat().st_size)
            meter.add_entries(len(source.infolist()))
            meter.add_bytes(sum(info.file_size for info in source.infolist()))
            for info in source.infolist():
                with source.open(info) as contents:
                    writer.write(entry_of(info, contents), contents)
                wrote(info.filename.rstrip("/"))
            return len(source.infolist())
    except BROKEN_ZIP as error:
        raise ArchiveError(f"broken zip archive: {error}") from error


def _with_utf8_names(paths: Iterable[str], warn: Callable[[str], None]) -> Iterator[str]:
    for path in paths:
        try:
            path.encode()
        except UnicodeEncodeError:
            warn(f"{path!r}: left out: its name is not UTF-8")
        else:
            yield path


def entry_of(info: zipfile.ZipInfo, contents: IO[bytes]) -> Entry:
    """Read what an archive says of a member; raises ArchiveError for a link that is too long."""
    mode = info.external_attr >> 16
    if not stat.S_IFMT(mode):
        # Made by a program that does not store Unix modes.
        mode = (stat.S_IFDIR | 0o755) if info.is_dir() else (stat.S_IFREG | (mode or 0o644))
    extra = dict(_extra(info.extra))
    uid, gid = _owner(extra.get(OWNER, b""))
    link = stat.S_ISLNK(mode)
    target = contents.read(_LONGEST_LINK + 1) if link else b""
    if len(target) > _LONGEST_LINK:
        raise ArchiveError(f"refused: the link {info.filename!r} is too long")
    return Entry(
        path=info.filename.rstrip("/"),
        mode=mode,
        mtime=_mtime(info, extra.get(TIME, b"")),
        uid=uid,
        gid=gid,
        size=info.file_size,
        target=target.decode("utf-8", "surrogateescape"),
    )


def _extra(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        kind, length = struct.unpack("<HH", data[:4])
        yield kind, data[4 : 4 + length]
        data = data[4 + length :]


def _mtime(info: zipfile.ZipInfo, field: bytes) -> int:
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
