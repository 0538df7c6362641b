"""Artifacts: zip archives that any program can open, with Unix modes, times, owners and links."""

from __future__ import annotations

import shutil
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

_UNIX = 3
_LEVEL = 1
"""The fastest: level 6 makes archives a tenth smaller and takes three times as long."""

_SAMPLE = 64 * 1024
_WORTH = 0.95
"""Contents that do not shrink below this ratio are not compressed."""

_CHUNK = 1024 * 1024
_LONGEST_LINK = 4096
_TIME, _OWNER = 0x5455, 0x7875
"""Extra fields of Info-ZIP: a time in whole seconds, and the owner."""

_EARLIEST, _LATEST = 315532800, 4354819198
"""1980 and 2107: the times that a zip archive can hold."""


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
    root: Path, paths: Iterable[str], archive: Path, warn: Callable[[str], None]
) -> list[Entry]:
    """Write paths below a folder to an archive; return what went into it.

    Raises:
        OSError: a file cannot be read, or the archive cannot be written.
    """
    packed = []
    with (
        TreeReader(root, warn) as reader,
        zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as target,
    ):
        for entry, contents in reader.entries(_with_utf8_names(paths, warn)):
            _add(target, entry, contents)
            packed.append(entry)
    return packed


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


def _add(target: zipfile.ZipFile, entry: Entry, contents: IO[bytes] | None) -> None:
    name = f"{entry.path}/" if entry.is_folder else entry.path
    # By name the archive's compression level is used, by `ZipInfo` the contents are stored as they
    # are. What is set afterwards goes into the directory at the end, which all readers go by.
    stored = contents is not None and entry.size > _SAMPLE and not _shrinks(contents)
    new = zipfile.ZipInfo(name) if stored else name
    large = entry.size >= zipfile.ZIP64_LIMIT // 2
    with target.open(new, "w", force_zip64=large) as member:
        if contents is not None:
            shutil.copyfileobj(contents, member, _CHUNK)
        elif entry.is_link:
            member.write(entry.target.encode("utf-8", "surrogateescape"))
    info = target.getinfo(name)
    mtime = min(max(entry.mtime, _EARLIEST), _LATEST)
    moment = datetime.fromtimestamp(mtime, UTC)
    info.date_time = moment.timetuple()[:6]
    info.create_system = _UNIX
    info.external_attr = (entry.mode << 16) | (0x10 if entry.is_folder else 0)
    info.extra += struct.pack("<HHBi", _TIME, 5, 1, min(mtime, 2**31 - 1))
    info.extra += struct.pack("<HHBBIBI", _OWNER, 11, 1, 4, entry.uid, 4, entry.gid)


def _shrinks(contents: IO[bytes]) -> bool:
    """Try the beginning of a file: compressing images, packages and archives wastes time."""
    sample = contents.read(_SAMPLE)
    contents.seek(0)
    return len(zlib.compress(sample, _LEVEL)) < len(sample) * _WORTH


def entry_of(info: zipfile.ZipInfo, contents: IO[bytes]) -> Entry:
    """Read what an archive says of a member; raises ArchiveError for a link that is too long."""
    mode = info.external_attr >> 16
    if not stat.S_IFMT(mode):
        # Made by a program that does not store Unix modes.
        mode = (stat.S_IFDIR | 0o755) if info.is_dir() else (stat.S_IFREG | (mode or 0o644))
    extra = dict(_extra(info.extra))
    uid, gid = _owner(extra.get(_OWNER, b""))
    link = stat.S_ISLNK(mode)
    target = contents.read(_LONGEST_LINK + 1) if link else b""
    if len(target) > _LONGEST_LINK:
        raise ArchiveError(f"refused: the link {info.filename!r} is too long")
    return Entry(
        path=info.filename.rstrip("/"),
        mode=mode,
        mtime=_mtime(info, extra.get(_TIME, b"")),
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
        return _EARLIEST


def _owner(field: bytes) -> tuple[int, int]:
    if len(field) == 11 and field[1] == field[6] == 4:
        _, _, uid, _, gid = struct.unpack("<BBIBI", field)
        return uid, gid
    return 0, 0
