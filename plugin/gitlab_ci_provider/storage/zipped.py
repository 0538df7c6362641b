"""Artifacts: zip archives that any program can open, with Unix modes, times, owners and links."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from gitlab_ci_provider.model.plan import ArchiveLimits
from gitlab_ci_provider.storage.entry import ArchiveError
from gitlab_ci_provider.storage.limits import Meter
from gitlab_ci_provider.storage.packing import Counts, Packing
from gitlab_ci_provider.storage.tree_reader import Found, TreeReader
from gitlab_ci_provider.storage.tree_writer import TreeWriter
from gitlab_ci_provider.storage.unzip_workers import unpack_by_workers, worker_count
from gitlab_ci_provider.storage.zip_batches import batch_of
from gitlab_ci_provider.storage.zip_directory import ZipDirectory
from gitlab_ci_provider.storage.zip_members import BROKEN_ZIP, write_member
from gitlab_ci_provider.storage.zip_methods import Method, method_of
from gitlab_ci_provider.storage.zip_reader import MemberReader
from gitlab_ci_provider.storage.zip_workers import packed
from gitlab_ci_provider.storage.zip_writer import ZipWriter


def pack_zip(
    write: Callable[[bytes], object],
    root: Path,
    paths: Iterable[str],
    packing: Packing,
    warn: Callable[[str], None],
) -> Counts:
    """Write paths below a folder to an archive; return what went into it.

    Raises:
        OSError: a file cannot be read, or the archive cannot be written.
    """
    method = method_of(packing.format, packing.level)
    with (
        closing(packed(root, list(paths), packing)) as batches,
        TreeReader(root, warn) as reader,
        ZipWriter(write, method, packing) as target,
    ):
        for batch in batches:
            target.add(batch)
            for warning in batch.warnings:
                warn(warning)
            for found in reader.find([batch.large] if batch.large else ()):
                _add_large(target, found, method)
    return Counts(target.count, target.files)


def _add_large(target: ZipWriter, found: Found, method: Method) -> None:
    """Add a file in pieces, or what the path is by now."""
    if found.descriptor >= 0:
        target.add_large(found)
    else:
        target.add(batch_of(found, method))


def unpack_zip(
    archive: Path, root: Path, limits: ArchiveLimits, wrote: Callable[[str], None]
) -> int:
    """Write an archive's entries below a folder; return how many.

    The sizes that the archive states are counted before anything is written; never more than that
    is unpacked for an entry.

    Raises:
        ArchiveError: it is broken, contains too much, or would write outside the folder.
        OSError: a file cannot be written.
    """
    import zstandard

    try:
        with archive.open("rb") as file:
            directory = ZipDirectory(file.fileno())
            meter = Meter(limits, archive.stat().st_size)
            meter.add_entries(directory.count)
            size, in_any_order = directory.survey()
            meter.add_bytes(size)
            workers = worker_count(size, directory.count) if in_any_order else 1
            with TreeWriter(root) as writer:
                if workers > 1:
                    unpack_by_workers(file.fileno(), root, writer, wrote, workers)
                else:
                    _unpack(directory, MemberReader(file.fileno(), directory.begin), writer, wrote)
            return directory.count
    except (*BROKEN_ZIP, zstandard.ZstdError) as error:
        raise ArchiveError(f"broken zip archive: {error}") from error


def _unpack(
    directory: ZipDirectory, reader: MemberReader, writer: TreeWriter, wrote: Callable[[str], None]
) -> None:
    for member in directory:
        write_member(writer, reader, member)
        wrote(member.filename.rstrip("/"))
