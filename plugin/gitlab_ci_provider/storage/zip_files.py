"""Single files out of an archive of artifacts, for a person's own folder.

A job may write what it likes into its archive. What would leave the folder is left out and said:
other names, and links that lead out, which later programs could write through. Files belong to the
person who asked for them.
"""

from __future__ import annotations

import os
import posixpath
import stat
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from gitlab_ci_provider.model.plan import ArchiveLimits
from gitlab_ci_provider.model.quoted import quoted
from gitlab_ci_provider.storage.entry import ArchiveError, Entry
from gitlab_ci_provider.storage.globs import compile_glob
from gitlab_ci_provider.storage.limits import Meter
from gitlab_ci_provider.storage.ranged import opened
from gitlab_ci_provider.storage.shelf import ObjectShelf
from gitlab_ci_provider.storage.tree_writer import TreeWriter
from gitlab_ci_provider.storage.zip_members import BROKEN_ZIP, described

_USUAL = ArchiveLimits()
_NONE: Mapping[str, str] = {}


class ZipFiles:
    """The files of an archive in the object store; use as a context manager.

    Only what is asked for is fetched: first the archive's directory, then each file.

    Args:
        shelf: that has it.
        key: of the archive.
        checksums: of members, as its index has them; those without one are only compared with what
            the archive itself says.
        directory: the most bytes that the archive's directory may have; None for any number.

    Raises:
        ArchiveError: the archive is broken, or its directory too large.
    """

    def __init__(
        self,
        shelf: ObjectShelf,
        key: str,
        checksums: Mapping[str, str] = _NONE,
        directory: int | None = None,
    ):
        self._source = opened(shelf, key, directory)
        self._size = shelf.size(key)
        self._key = key
        self._checksums = checksums
        try:
            self._archive = zipfile.ZipFile(self._source)
        except BROKEN_ZIP as error:
            raise self._broken(error) from error
        self._infos = {info.filename: info for info in self._archive.infolist()}

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the archive."""
        self._archive.close()
        self._source.close()

    def select(self, patterns: Sequence[str]) -> tuple[list[str], list[str]]:
        """Find the members that patterns name: folders mean all that is in them.

        Returns:
            the members, and the patterns that name none.
        """
        if not patterns:
            return list(self._infos), []
        found: dict[str, None] = {}
        unknown = []
        for pattern in patterns:
            glob = compile_glob(posixpath.normpath(pattern).lstrip("/"))
            names = [name for name in self._infos if any(map(glob.matches, _ways(name)))]
            found.update(dict.fromkeys(names))
            if not names:
                unknown.append(pattern)
        return list(found), unknown

    def copy(self, name: str, target: IO[bytes]) -> None:
        """Write the contents of one file; raises ArchiveError."""
        for piece in self.pieces(name):
            target.write(piece)

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield the contents of one file, at most a megabyte at once.

        Raises:
            ArchiveError: there is no such file, or it is broken.
        """
        if name not in self._infos:
            raise ArchiveError(f"{self._key}: it has no file {quoted(name)}")
        self._verify(name)
        try:
            with self._archive.open(self._infos[name]) as contents:
                while piece := contents.read(1024 * 1024):
                    yield piece
        except BROKEN_ZIP as error:
            raise self._broken(error) from error

    def unpack(
        self,
        names: Collection[str],
        folder: Path,
        warn: Callable[[str], None],
        limits: ArchiveLimits = _USUAL,
    ) -> int:
        """Write members below a folder; return how many.

        Raises:
            ArchiveError: the archive is broken, or too much comes out of it.
            OSError: a file cannot be written.
        """
        meter = Meter(limits, self._size)
        meter.add_entries(len(names))
        meter.add_bytes(sum(self._infos[name].file_size for name in names))
        count = 0
        try:
            with TreeWriter(folder) as writer:
                for name in names:
                    self._verify(name)
                    count += self._write(writer, self._infos[name], warn)
            return count - _remove_links_out(folder, names, warn)
        except BROKEN_ZIP as error:
            raise self._broken(error) from error

    def _write(
        self, writer: TreeWriter, info: zipfile.ZipInfo, warn: Callable[[str], None]
    ) -> bool:
        with self._archive.open(info) as contents:
            try:
                writer.write(_readable(described(info, contents)), contents)
            except ArchiveError as problem:
                warn(f"left out: {quoted(str(problem).removeprefix('refused: '))}")
                return False
        return True

    def _verify(self, name: str) -> None:
        """Refuse a member that is not the one of the index; reading it compares its contents."""
        expected, found = self._checksums.get(name), f"{self._infos[name].CRC:08x}"
        if self._checksums and expected != found:
            words = "does not match the index: the archive was damaged or replaced"
            raise ArchiveError(f"{self._key}: {quoted(name)} {words}")

    def _broken(self, error: Exception) -> ArchiveError:
        return ArchiveError(f"{self._key}: broken zip archive: {error}")


def _ways(name: str) -> list[str]:
    """Return a member and the folders that it is in."""
    parts = name.rstrip("/").split("/")
    return ["/".join(parts[: count + 1]) for count in range(len(parts))] + ["."]


def _readable(entry: Entry) -> Entry:
    """Make a member the caller's own, whatever user and mode it had in the job."""
    needed = stat.S_IRUSR | stat.S_IWUSR | (stat.S_IXUSR if entry.is_folder else 0)
    return entry._replace(mode=entry.mode | needed, uid=os.geteuid(), gid=os.getegid())


def _remove_links_out(folder: Path, names: Collection[str], warn: Callable[[str], None]) -> int:
    """Remove the links that lead out of a folder; return how many.

    What a link's text says is not enough: it may go through other links.
    """
    root = folder.resolve()
    count = 0
    for name in names:
        path = root / name.rstrip("/")
        if not path.is_symlink() or not _is_inside(path.parent, root):
            continue
        if not _is_inside(path, root):
            warn(f"left out: {quoted(name)} is a link to {quoted(str(path.readlink()))}")
            path.unlink()
            count += 1
    return count


def _is_inside(path: Path, root: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(root)
