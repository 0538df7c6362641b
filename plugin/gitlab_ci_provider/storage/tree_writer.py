"""Writes the entries of an archive that a stranger has made, inside one folder and nowhere else.

Refused: absolute paths, `..`, writing through a link that leads out of the project, and entries
that are neither file, folder nor link. A link itself may point anywhere, as those of Python's
virtual environments do: nothing is written through it. Set-user-id bits are not restored.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Protocol, Self

from gitlab_ci_provider.storage.entry import ArchiveError, Entry
from gitlab_ci_provider.storage.folders import Folders, OutsideError

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PERMISSIONS = 0o777
_CHUNK = 1024 * 1024
_HOLE = 64 * 1024
_ZEROS = bytes(_HOLE)


class Contents(Protocol):
    """Where the bytes of a file come from."""

    def read(self, size: int, /) -> bytes | memoryview:
        """Return at most so many bytes; none at the end."""


class TreeWriter:
    """Writes entries below one folder; use as a context manager.

    Existing files are replaced one by one. Permissions of folders are set last, so that a folder
    without write permission can be filled first. After an error, what was not there before is gone
    again: a job must not take a part of a cache for the whole.
    """

    def __init__(self, root: Path):
        self._folders = Folders(os.fspath(root), make=True)
        self._finished_last: dict[str, Entry] = {}
        self._new = self._folders.made
        self._is_root = os.geteuid() == 0

    def __enter__(self) -> Self:
        """Make and open the root."""
        self._folders.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Set permissions and times of the folders, the deepest first; or remove what is new."""
        try:
            if kind is None:
                for path in sorted(self._finished_last, reverse=True):
                    self._finish_folder(path, self._finished_last[path])
            else:
                self._remove_new()
        finally:
            self._folders.__exit__()

    def write(self, entry: Entry, contents: Contents | None) -> None:
        """Write one entry.

        Raises:
            ArchiveError: the entry is refused.
            OSError: it cannot be written, for example because the disk is full.
        """
        path = _clean(entry.path)
        folder, _, name = path.rpartition("/")
        parent = self._enter(folder, entry.path)
        if entry.is_file and contents is not None:
            self._write_file(entry, contents, path, parent)
        elif entry.is_folder:
            self._make_folder(path, name, parent)
            self._finished_last[path] = entry
        elif entry.is_link:
            self._make_link(entry, path, parent)
        else:
            words = "is neither a file, a directory nor a symbolic link"
            raise ArchiveError(f"refused: {entry.path} {words}")

    def prepare(self, path: str) -> None:
        """Make the folder of an entry; raises as `write`."""
        self._enter(_clean(path).rpartition("/")[0], path)

    def _enter(self, folder: str, path: str) -> int:
        try:
            return self._folders.enter(folder)
        except OutsideError as error:
            message = f"refused: the archive wants to write {path!r} through a link"
            raise ArchiveError(f"{message} ({error})") from error

    def _make_folder(self, path: str, name: str, parent: int) -> None:
        """Make a folder; a link to a folder inside the project is accepted."""
        try:
            os.mkdir(name, dir_fd=parent)
            self._new.append(path)
        except FileExistsError:
            if self._is_folder_inside(path):
                return
            self._make_room(name, parent)
            os.mkdir(name, dir_fd=parent)

    def _is_folder_inside(self, path: str) -> bool:
        root = self._folders.root
        real = os.path.realpath(f"{root}/{path}")
        return real.startswith(f"{root}/") and os.path.isdir(real)

    def _make_room(self, name: str, parent: int) -> None:
        """Remove what is in the way: never write into an existing file, it may be a link."""
        mode = os.lstat(name, dir_fd=parent).st_mode
        if stat.S_ISDIR(mode):
            shutil.rmtree(name, dir_fd=parent)
        else:
            os.unlink(name, dir_fd=parent)

    def _make_link(self, entry: Entry, path: str, parent: int) -> None:
        if not entry.target:
            raise ArchiveError(f"refused: the link {entry.path!r} leads nowhere")
        name = path.rpartition("/")[2]
        try:
            os.symlink(entry.target, name, dir_fd=parent)
            self._new.append(path)
        except FileExistsError:
            self._make_room(name, parent)
            os.symlink(entry.target, name, dir_fd=parent)
        if self._is_root:
            with suppress(OSError):
                os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        os.utime(name, (entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)

    def _write_file(self, entry: Entry, contents: Contents, path: str, parent: int) -> None:
        name = path.rpartition("/")[2]
        permissions = entry.mode & _PERMISSIONS
        try:
            file = os.open(name, _NEW_FILE, permissions, dir_fd=parent)
            self._new.append(path)
        except FileExistsError:
            self._make_room(name, parent)
            file = os.open(name, _NEW_FILE, permissions, dir_fd=parent)
        try:
            _copy(contents, file)
            found = os.fstat(file)
            self._own(entry, found, file)
            if stat.S_IMODE(found.st_mode) != permissions:
                os.fchmod(file, permissions)
            os.utime(file, (entry.mtime, entry.mtime))
        except BaseException:  # also in place of a file that was there before
            with suppress(OSError):
                os.unlink(name, dir_fd=parent)
            raise
        finally:
            os.close(file)

    def _finish_folder(self, path: str, entry: Entry) -> None:
        """Only a real folder: a later entry may have replaced it with a link."""
        folder, _, name = path.rpartition("/")
        with suppress(FileNotFoundError, NotADirectoryError):
            parent = self._folders.enter(folder)
            found = os.lstat(name, dir_fd=parent)
            if not stat.S_ISDIR(found.st_mode):
                return
            descriptor = os.open(name, _FOLDER, dir_fd=parent)
            try:
                self._own(entry, found, descriptor)
                if stat.S_IMODE(found.st_mode) != entry.mode & _PERMISSIONS:
                    os.fchmod(descriptor, entry.mode & _PERMISSIONS)
                os.utime(descriptor, (entry.mtime, entry.mtime))
            finally:
                os.close(descriptor)

    def _remove_new(self) -> None:
        """Remove what the archive has added; folders that hold other things stay."""
        for path in reversed(self._new):
            folder, _, name = path.rpartition("/")
            with suppress(OSError):
                parent = self._folders.enter(folder)
                if stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
                    os.rmdir(name, dir_fd=parent)
                else:
                    os.unlink(name, dir_fd=parent)

    def _own(self, entry: Entry, found: os.stat_result, descriptor: int) -> None:
        """Set the entry's owner; in a user namespace not every owner exists."""
        if self._is_root and (found.st_uid, found.st_gid) != (entry.uid, entry.gid):
            with suppress(OSError):
                os.fchown(descriptor, entry.uid, entry.gid)


def _clean(path: str) -> str:
    """Return a path without `.` and doubled `/`.

    Raises:
        ArchiveError: it leads out of the root, or is the root.
    """
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if path.startswith("/") or ".." in parts or not parts or "\0" in path:
        raise ArchiveError(f"refused: the archive wants to write {path!r}")
    return "/".join(parts)


def _copy(contents: Contents, file: int) -> None:
    """Copy to an empty file; long runs of zeros take no room on the disk."""
    hole = 0
    while data := contents.read(_CHUNK):
        if len(data) >= _HOLE and data[0] == 0 and _is_zeros(data):
            hole += len(data)
            continue
        if hole:
            os.lseek(file, hole, os.SEEK_CUR)
            hole = 0
        written = os.write(file, data)
        while written < len(data):
            written += os.write(file, data[written:])
    if hole:
        os.ftruncate(file, os.lseek(file, hole, os.SEEK_CUR))


def _is_zeros(data: bytes | memoryview) -> bool:
    return all(
        bytes(data[at : at + _HOLE]) == _ZEROS[: len(data) - at]
        for at in range(0, len(data), _HOLE)
    )
