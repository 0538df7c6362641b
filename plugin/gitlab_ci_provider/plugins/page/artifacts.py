"""Artifacts on the pipeline page: which there are, what is in them, and their contents.

Names and contents come from jobs. Nothing of them is shown by the browser itself: files are
downloads of no type, and the page draws what it shows of them as text, or as an image of pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from urllib.parse import quote

from gitlab_ci_provider.plugins.page.jobs import iso
from gitlab_ci_provider.plugins.page.left import LeftArchive
from gitlab_ci_provider.storage.index import ArtifactIndex, IndexedFile
from gitlab_ci_provider.storage.shelf import ObjectShelf
from gitlab_ci_provider.storage.zip_files import ZipFiles

_MOST = 2000
"""Entries of a folder that are listed, and files that are found."""

_PIECE = 1024 * 1024
_LARGEST_DIRECTORY = 32 * _PIECE
_LINK = "120"
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveView:
    """An archive of a job; `expires` is ISO 8601, empty when it stays or that is not known here."""

    job: str
    task: str
    kind: str
    name: str
    files: int
    size: int
    expires: str = ""
    exposed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """A file or folder in an archive.

    Attributes:
        path: in the archive; that of a folder ends with `/`.
        size: bytes; of a folder, of all files in it.
        files: how many there are in a folder.
        link: it is a symbolic link.
    """

    path: str
    name: str
    size: int
    files: int = 0
    link: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderView:
    """A folder of an archive, or the files in it whose path has a text in it.

    Attributes:
        expires: ISO 8601; empty when the archive stays.
        more: how many entries are not listed.
        refusal: why nothing can be downloaded; empty when it can.
    """

    job: str
    kind: str
    size: int
    files: int
    expires: str
    entries: tuple[EntryView, ...]
    more: int = 0
    refusal: str = ""


def archive_view(archive: LeftArchive) -> ArchiveView:
    """Show an archive."""
    artifacts = archive.job.artifacts
    exposed = artifacts.expose_as if artifacts and archive.kind == "archive" else None
    return ArchiveView(
        job=archive.job.name,
        task=archive.task,
        kind=archive.kind,
        name=archive.name,
        files=archive.files,
        size=archive.size,
        expires=_moment(archive.expire_at),
        exposed=exposed or "",
    )


def folder_view(
    archive: LeftArchive, index: ArtifactIndex, folder: str, text: str, refusal: str
) -> FolderView:
    """Show a folder, folders first; with a text, all files below it that have it in their path."""
    files = [file for file in index.files if file.path.startswith(folder)]
    entries = _found(files, text) if text else _children(files, folder)
    return FolderView(
        job=archive.job.name,
        kind=archive.kind,
        size=index.size,
        files=index.count,
        expires=_moment(index.expire_at),
        entries=tuple(entries[:_MOST]),
        more=max(0, len(entries) - _MOST),
        refusal=refusal,
    )


def _found(files: Iterable[IndexedFile], text: str) -> list[EntryView]:
    wanted = text.lower()
    return [
        _entry(file, file.path)
        for file in files
        if wanted in file.path.lower() and not file.path.endswith("/")
    ]


def _children(files: Iterable[IndexedFile], folder: str) -> list[EntryView]:
    folders: dict[str, tuple[int, int]] = {}
    own: list[EntryView] = []
    for file in files:
        name, slash, rest = file.path.removeprefix(folder).partition("/")
        if slash and name:
            size, count = folders.get(name, (0, 0))
            is_file = rest != "" and not rest.endswith("/")
            folders[name] = size + file.size, count + is_file
        elif name:
            own.append(_entry(file, name))
    named = (
        EntryView(path=f"{folder}{name}/", name=name, size=size, files=count)
        for name, (size, count) in sorted(folders.items())
    )
    return [*named, *sorted(own, key=lambda entry: entry.name)]


def _entry(file: IndexedFile, name: str) -> EntryView:
    return EntryView(path=file.path, name=name, size=file.size, link=file.mode.startswith(_LINK))


def _moment(seconds: float | None) -> str:
    """Write a time, which a job may have chosen; empty for none and for what is no time."""
    try:
        return "" if seconds is None else iso(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return ""


def asked_part(header: str, size: int) -> range | None:
    """Read `Range`: which bytes are asked for; none of them when there are no such bytes.

    None stands for all, also for what is not one range: a server may answer so.
    """
    found = _RANGE.fullmatch(header)
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    return range(int(first), min(size, int(last) + 1) if last else size)


def archive_pieces(shelf: ObjectShelf, key: str, part: range) -> Iterator[bytes]:
    """Read a part of an object piece by piece; raises StorageError when the store fails."""
    at = part.start
    while at < part.stop:
        piece = shelf.read(key, at, min(_PIECE, part.stop - at))
        if not piece:
            return
        yield piece
        at += len(piece)


def file_pieces(shelf: ObjectShelf, index: ArtifactIndex, key: str, path: str) -> Iterator[bytes]:
    """Read a file of an archive piece by piece; the first yield is after it is known to be there.

    Raises:
        ArchiveError: there is no such file, or the archive is broken.
        StorageError: the store failed.
    """
    with ZipFiles(shelf, key, index.checksums, directory=_LARGEST_DIRECTORY) as files:
        yield from files.pieces(path)


def begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Read the first piece at once: what is wrong then is an answer, not half a file."""
    first = next(pieces, b"")
    return chain([first], pieces)


def attachment(name: str) -> str:
    """Word the header with which a browser saves an answer under a name, and never shows it."""
    clean = "".join(letter if letter.isprintable() else "_" for letter in name)
    return f"attachment; filename*=UTF-8''{quote(clean, safe='')}"
