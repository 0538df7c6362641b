"""Caches: tar archives compressed with zstd, quick both ways; streamed, so memory stays small."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from gitlab_ci_provider.model.plan import ArchiveLimits
from gitlab_ci_provider.storage.entry import ArchiveError, Entry
from gitlab_ci_provider.storage.limits import Meter, MeteredStream
from gitlab_ci_provider.storage.tree_reader import TreeReader
from gitlab_ci_provider.storage.tree_writer import TreeWriter

_LEVEL = 3
_MOST_THREADS = 4
"""Each thread takes memory, and a helper container has little, however large its node is."""

_KEPT_IN_MEMORY = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_LONGEST_HEADER = 1_000_000

_LARGEST_WINDOW = 2**27
"""Bytes; the memory that unpacking an archive may need: 128 MiB."""


def pack_tar(
    root: Path, paths: Iterable[str], archive: Path, warn: Callable[[str], None]
) -> list[Entry]:
    """Write paths below a folder to an archive; return what went into it.

    Raises:
        OSError: a file cannot be read, or the archive cannot be written.
    """
    import zstandard

    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    compressor = zstandard.ZstdCompressor(level=_LEVEL, threads=threads, write_checksum=True)
    packed = []
    with (
        TreeReader(root, warn) as reader,
        archive.open("wb") as file,
        compressor.stream_writer(file) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as target,
    ):
        for entry, contents in reader.entries(paths):
            target.addfile(_info(entry), contents)
            packed.append(entry)
    return packed


def unpack_tar(archive: Path, root: Path, limits: ArchiveLimits) -> int:
    """Write an archive's entries below a folder; return how many.

    Raises:
        ArchiveError: it is broken, contains too much, or would write outside the folder.
        OSError: a file cannot be written.
    """
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    meter = Meter(limits, archive.stat().st_size)
    try:
        with (
            archive.open("rb") as file,
            decompressor.stream_reader(file) as stream,
            MeteredStream(stream, meter) as metered,
            tarfile.open(fileobj=metered, mode="r|", tarinfo=_Info) as source,
            TreeWriter(root) as writer,
        ):
            for info in source:
                meter.add_entries(1)
                contents = source.extractfile(info) if info.isreg() else None
                writer.write(_entry(info), contents)
    except (tarfile.TarError, zstandard.ZstdError, EOFError, ValueError, OverflowError) as error:
        raise ArchiveError(f"broken tar archive: {error}") from error
    return meter.entries


class _Info(tarfile.TarInfo):
    """A header with limits; `tarfile` reads names and attributes of any length into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header.

        Raises:
            ArchiveError: its name or attributes are too long.
        """
        found = super().frombuf(buf, encoding, errors)
        if found.type in _KEPT_IN_MEMORY and found.size > _LONGEST_HEADER:
            raise ArchiveError(f"refused: a name or attribute of {found.size} bytes")
        return found


def _info(entry: Entry) -> tarfile.TarInfo:
    info = tarfile.TarInfo(entry.path)
    info.mode, info.mtime = entry.mode & 0o7777, entry.mtime
    info.uid, info.gid, info.size = entry.uid, entry.gid, entry.size
    if entry.is_folder:
        info.type = tarfile.DIRTYPE
    elif entry.is_link:
        info.type, info.linkname = tarfile.SYMTYPE, entry.target
    return info


def _entry(info: tarfile.TarInfo) -> Entry:
    kinds = {
        tarfile.REGTYPE: stat.S_IFREG,
        tarfile.AREGTYPE: stat.S_IFREG,
        tarfile.DIRTYPE: stat.S_IFDIR,
        tarfile.SYMTYPE: stat.S_IFLNK,
    }
    return Entry(
        path=info.name,
        mode=kinds.get(info.type, 0) | (info.mode & 0o7777),
        mtime=int(info.mtime),
        uid=info.uid,
        gid=info.gid,
        size=info.size,
        target=info.linkname,
    )
