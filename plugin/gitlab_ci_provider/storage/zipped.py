"""Artifacts: zip archives that any program can open, with Unix modes, times, owners and links."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gitlab_ci_provider.model.plan import ArchiveLimits
from gitlab_ci_provider.storage.entry import ArchiveError, Entry
from gitlab_ci_provider.storage.frames import ahead
from gitlab_ci_provider.storage.in_order import InOrder
from gitlab_ci_provider.storage.limits import Meter
from gitlab_ci_provider.storage.tree_reader import CHUNK, Found, TreeReader
from gitlab_ci_provider.storage.tree_writer import Contents, TreeWriter
from gitlab_ci_provider.storage.zip_batches import batch_of
from gitlab_ci_provider.storage.zip_directory import Member, ZipDirectory
from gitlab_ci_provider.storage.zip_headers import EARLIEST, OWNER, TIME, UNIX_FIELDS
from gitlab_ci_provider.storage.zip_methods import Method, method_of
from gitlab_ci_provider.storage.zip_reader import MemberReader, unpacked
from gitlab_ci_provider.storage.zip_workers import packed
from gitlab_ci_provider.storage.zip_writer import ZipWriter

if TYPE_CHECKING:
    from gitlab_ci_provider.storage.packing import Packing

_LONGEST_LINK = 4096
_BATCH = 256
"""Small members that are unpacked together, at most."""

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
    write: Callable[[bytes], object],
    root: Path,
    paths: Iterable[str],
    packing: Packing,
    warn: Callable[[str], None],
) -> tuple[list[Entry], Sequence[int]]:
    """Write paths below a folder to an archive; return what went into it, with each CRC-32.

    Of entries, their path, mode and size are returned: there may be a million.

    Raises:
        OSError: a file cannot be read, or the archive cannot be written.
    """
    method, entries = method_of(packing.format, packing.level), list[Entry]()
    names = list(_with_utf8_names(paths, warn))
    kept, modes = iter(names), dict[int, int]()
    with (
        closing(packed(root, names, packing)) as batches,
        TreeReader(root, warn) as reader,
        ZipWriter(write, method, packing.scratch) as target,
    ):
        for batch in batches:
            target.add(batch)
            for path, mode, size in batch.entries:  # of equal ones, one is kept
                name = next(filter(path.__eq__, kept))
                entries.append(Entry(name, modes.setdefault(mode, mode), size=size))
            for warning in batch.warnings:
                warn(warning)
            for found in reader.find([batch.large] if batch.large else ()):
                entries.append(_add_large(target, found, method))
    return entries, target.checksums


def _add_large(target: ZipWriter, found: Found, method: Method) -> Entry:
    """Add a file in pieces, or what the path is by now."""
    if found.descriptor >= 0:
        return target.add_large(found)
    batch = batch_of(found, method)
    target.add(batch)
    return found.entry()


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
            meter.add_bytes(directory.total())
            with TreeWriter(root) as writer, InOrder("unzip") as threads:
                reader = MemberReader(file.fileno(), directory.begin)
                unpacker = _Unpacker(reader, writer, threads, wrote)
                for member in directory:
                    unpacker.add(member)
                unpacker.finish()
            return directory.count
    except (*BROKEN_ZIP, zstandard.ZstdError) as error:
        raise ArchiveError(f"broken zip archive: {error}") from error


class _Unpacker:
    """Unpacks small members many at a time, in threads, and writes them in their order."""

    def __init__(
        self,
        reader: MemberReader,
        writer: TreeWriter,
        threads: InOrder,
        wrote: Callable[[str], None],
    ):
        self._reader = reader
        self._writer = writer
        self._threads = threads
        self._wrote = wrote
        self._batch: list[tuple[Member, bytes]] = []
        self._bytes = 0

    def add(self, member: Member) -> None:
        """Unpack a member, now or with the next ones."""
        if member.file_size >= CHUNK or member.packed >= CHUNK:
            self.finish()
            with closing(ahead(self._reader.pieces(member))) as pieces:
                self._write(member, _Pieces(pieces))
            return
        self._batch.append((member, self._reader.packed(member)))
        self._bytes += member.file_size + member.packed
        if self._bytes >= CHUNK or len(self._batch) >= _BATCH:
            self._submit()

    def finish(self) -> None:
        """Write what is left."""
        self._submit()
        self._threads.finish()

    def _submit(self) -> None:
        batch, self._batch, self._bytes = self._batch, [], 0

        def work() -> list[bytes]:
            return [unpacked(member, packed) for member, packed in batch]

        def write(found: list[bytes]) -> None:
            for (member, _), contents in zip(batch, found, strict=True):
                self._write(member, BytesIO(contents))

        self._threads.submit(work, then=write)

    def _write(self, member: Member, contents: Contents) -> None:
        self._writer.write(entry_of(member, contents), contents)
        self._wrote(member.filename.rstrip("/"))


class _Pieces:
    """Contents that come in pieces of at most a chunk."""

    def __init__(self, pieces: Iterator[bytes]):
        self._pieces = pieces

    def read(self, _size: int, /) -> bytes:
        """Return the next piece."""
        return next(self._pieces, b"")


def _with_utf8_names(paths: Iterable[str], warn: Callable[[str], None]) -> Iterator[str]:
    for path in paths:
        try:
            path.encode()
        except UnicodeEncodeError:
            warn(f"{path!r}: left out: its name is not UTF-8")
        else:
            yield path


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


def entry_of(info: Described, contents: Contents) -> Entry:
    """Read what an archive says of a member; raises ArchiveError for a link that is too long."""
    mode = info.external_attr >> 16
    if not stat.S_IFMT(mode):
        # Made by a program that does not store Unix modes.
        mode = (stat.S_IFDIR | 0o755) if info.is_dir() else (stat.S_IFREG | (mode or 0o644))
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
