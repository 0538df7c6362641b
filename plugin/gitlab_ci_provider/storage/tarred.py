"""Caches: tar archives compressed with zstd, quick both ways; streamed, so memory stays small."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from gitlab_ci_provider.model.plan import ArchiveLimits, CompressionLevel
from gitlab_ci_provider.storage.entry import ArchiveError, Entry
from gitlab_ci_provider.storage.frames import FrameWriter, ahead, decompressed, zstd_level
from gitlab_ci_provider.storage.limits import Meter
from gitlab_ci_provider.storage.packing import Counts
from gitlab_ci_provider.storage.tar_headers import END, header, padding
from gitlab_ci_provider.storage.tar_stream import TarStream
from gitlab_ci_provider.storage.tree_reader import CHUNK, Found, TreeReader
from gitlab_ci_provider.storage.tree_writer import TreeWriter


def pack_tar(
    write: Callable[[bytes], object],
    root: Path,
    paths: Iterable[str],
    level: CompressionLevel,
    warn: Callable[[str], None],
) -> Counts:
    """Write paths below a folder to an archive; return what went into it.

    Raises:
        OSError: a file cannot be read, or the archive cannot be written.
    """
    count = files = 0
    with TreeReader(root, warn) as reader, FrameWriter(write, zstd_level(level)) as target:
        for found in reader.find(paths):
            entry = _add(target, found, warn)
            count += 1
            files += not entry.is_folder
        target.write(END)
    return Counts(count, files)


def unpack_tar(
    archive: Path, root: Path, limits: ArchiveLimits, wrote: Callable[[str], None]
) -> int:
    """Write an archive's entries below a folder; return how many.

    Raises:
        ArchiveError: it is broken, contains too much, or would write outside the folder.
        OSError: a file cannot be written.
    """
    import zstandard

    meter = Meter(limits, archive.stat().st_size)
    try:
        with (
            archive.open("rb") as file,
            closing(ahead(_metered(decompressed(file), meter))) as pieces,
            TreeWriter(root) as writer,
        ):
            source = TarStream(pieces)
            for entry in source.entries():
                meter.add_entries(1)
                writer.write(entry, source if entry.is_file else None)
                wrote(entry.path)
            for _ in pieces:
                pass  # so that the last checksum is compared, too
    except (zstandard.ZstdError, ValueError, OverflowError) as error:
        raise ArchiveError(f"broken tar archive: {error}") from error
    return meter.entries


def _add(target: FrameWriter, found: Found, warn: Callable[[str], None]) -> Entry:
    """Add an entry; a large file that changes meanwhile keeps the size that it had at first."""
    entry = found.entry()
    if found.descriptor < 0:
        target.write(header(entry))
        return entry
    if entry.size < CHUNK:
        contents = found.read_whole()
        if len(contents) != entry.size:
            entry = entry._replace(size=len(contents))
        target.write(header(entry))
        target.write(contents)
    else:
        target.write(header(entry))
        _add_contents(target, found, warn)
    target.write(padding(entry.size))
    return entry


def _add_contents(target: FrameWriter, found: Found, warn: Callable[[str], None]) -> None:
    left = found.status.st_size
    for contents in found.pieces():
        target.write(contents)
        left -= len(contents)
    if left:
        warn(f"{found.path}: became smaller while it was read; its end is filled with zeros")
    while left:
        filled = min(left, CHUNK)
        target.write(bytes(filled))
        left -= filled


def _metered(pieces: Iterator[bytes], meter: Meter) -> Iterator[bytes]:
    for piece in pieces:
        meter.add_bytes(len(piece))
        yield piece
