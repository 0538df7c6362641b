"""Writes the entries of an archive that a stranger has made, inside one folder and nowhere else.

Refused: absolute paths, `..`, writing through a link that leads out of the project, and entries
that are neither file, folder nor link. A link itself may point anywhere, as those of Python's
virtual environments do: nothing is written through it. Set-user-id bits are not restored.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from gitlab_ci_provider.storage.entry import ArchiveError, Entry

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PERMISSIONS = 0o777
_CHUNK = 1024 * 1024


class TreeWriter:
    """Writes entries below one folder; use as a context manager.

    Existing files are replaced one by one. Permissions of folders are set last, so that a folder
    without write permission can be filled first.
    """

    def __init__(self, root: Path):
        self._root = os.path.realpath(root)
        self._folders: list[Entry] = []
        self._safe: set[str] = set()
        self._is_root = os.geteuid() == 0

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Set permissions and times of the folders, the deepest first."""
        if kind is None:
            for entry in reversed(self._folders):
                self._finish_folder(entry)

    def write(self, entry: Entry, contents: IO[bytes] | None) -> None:
        """Write one entry.

        Raises:
            ArchiveError: the entry is refused.
            OSError: it cannot be written, for example because the disk is full.
        """
        path = self._path(entry)
        if entry.is_folder:
            self._make_folder(path)
            self._folders.append(entry)
        elif entry.is_link:
            self._make_room(path)
            os.symlink(entry.target, path)
            self._own(entry, path)
        elif entry.is_file and contents is not None:
            self._make_room(path)
            self._write_file(entry, contents, path)
        else:
            words = "is neither a file, a directory nor a symbolic link"
            raise ArchiveError(f"refused: {entry.path} {words}")

    def _path(self, entry: Entry) -> str:
        """Return where an entry goes, after creating and checking its folder."""
        parts = [part for part in entry.path.split("/") if part not in {"", "."}]
        if entry.path.startswith("/") or ".." in parts or not parts or "\0" in entry.path:
            raise ArchiveError(f"refused: the archive wants to write {entry.path!r}")
        parent = os.path.join(self._root, *parts[:-1])
        if parent not in self._safe:
            self._check(entry, parent)
            self._make_folder(parent)
            self._safe.add(parent)
        return os.path.join(parent, parts[-1])

    def _check(self, entry: Entry, parent: str) -> None:
        real = os.path.realpath(parent)
        if real != self._root and not real.startswith(f"{self._root}/"):
            message = f"refused: the archive wants to write {entry.path!r} through a link to {real}"
            raise ArchiveError(message)

    def _make_folder(self, path: str) -> None:
        """Make a folder and its parents; a link to a folder inside the project is accepted."""
        if os.path.isdir(path):
            real = os.path.realpath(path)
            if real == self._root or real.startswith(f"{self._root}/"):
                return
        if os.path.lexists(path) and not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)
            self._safe.clear()
        os.makedirs(path, exist_ok=True)

    def _make_room(self, path: str) -> None:
        """Remove what is in the way: never write into an existing file, it may be a link."""
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return
        if stat.S_ISDIR(found.st_mode):
            shutil.rmtree(path)
            self._safe.clear()
        else:
            os.unlink(path)

    def _write_file(self, entry: Entry, contents: IO[bytes], path: str) -> None:
        with open(os.open(path, _NEW_FILE, 0o600), "wb") as file, _whole_or_not_at_all(path):
            shutil.copyfileobj(contents, file, _CHUNK)
            file.flush()  # buffered data may not fit on the disk
            self._own(entry, file.fileno())
            os.chmod(file.fileno(), entry.mode & _PERMISSIONS)
        os.utime(path, (entry.mtime, entry.mtime), follow_symlinks=False)

    def _finish_folder(self, entry: Entry) -> None:
        """Only a real folder: a later entry may have replaced it with a link."""
        path = self._path(entry)
        if stat.S_ISDIR(os.lstat(path).st_mode):
            self._own(entry, path)
            os.chmod(path, entry.mode & _PERMISSIONS)
            os.utime(path, (entry.mtime, entry.mtime))

    def _own(self, entry: Entry, file: str | int) -> None:
        """Set the entry's owner; in a user namespace not every owner exists."""
        if self._is_root:
            with suppress(OSError):
                if isinstance(file, int):
                    os.chown(file, entry.uid, entry.gid)
                else:
                    os.chown(file, entry.uid, entry.gid, follow_symlinks=False)


@contextmanager
def _whole_or_not_at_all(path: str) -> Iterator[None]:
    """Remove a file that could not be written: a job must not mistake a part for the whole."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise
