"""State in a folder, one file for each key. Several machines may share it.

A file appears whole or not at all: it is written under a temporary name, then linked or renamed. A
link fails when its name is taken, on NFS too, so exactly one process creates a key. `update` holds
a lock (`flock`), which the kernel releases when its process dies. A process that is killed leaves
at most a file `.new-*`, which is never read. A machine that loses its power may leave empty files,
because nothing here waits for the disk: they are no values, and are replaced.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.records.store import Change, check_key, is_key, is_key_prefix

_UNFINISHED = ".new-"
_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class FolderStore:
    """A `RecordStore` in a folder, which is created with the first value."""

    folder: Path

    def read(self, key: str) -> bytes | None:
        """Read a file."""
        path = self._path(key)
        with _explained(path):
            try:
                return path.read_bytes() or None
            except (FileNotFoundError, NotADirectoryError):
                return None

    def read_blob(self, key: str) -> bytes | None:
        """Read a file."""
        return self.read(key)

    def create(self, key: str, data: bytes) -> bool:
        """Link the key to a finished file: nobody sees half of it."""
        path = self._path(key)
        with _explained(path):
            if _is_empty(path):
                with self._lock(key):
                    _remove_empty(path)
            elif path.exists():
                return False
        return self._link(path, data)

    def _link(self, path: Path, data: bytes) -> bool:
        with _explained(path), _temporary(path.parent, data) as temporary:
            try:
                os.link(temporary, path)
            except FileExistsError:
                # NFS may repeat a request whose answer was lost: then the link is ours.
                return temporary.stat().st_nlink > 1
        return True

    def write(self, key: str, data: bytes) -> None:
        """Move a finished file to its place."""
        path = self._path(key)
        with _explained(path):
            write_whole(path, data)

    def update(self, key: str, change: Change) -> bytes | None:
        """Change a file under a lock."""
        with self._lock(key):
            while True:
                before = self.read(key)
                after = change(before)
                if after == before:
                    return after
                if after is None:
                    self.delete(key)
                elif before is not None:
                    self.write(key, after)
                else:
                    _remove_empty(self._path(key))
                    if not self._link(self._path(key), after):
                        continue  # `create` takes no lock
                return after

    def delete(self, key: str) -> None:
        """Remove a file. Its folder stays: another process may be about to use it."""
        path = self._path(key)
        with _explained(path):
            path.unlink(missing_ok=True)

    def keys(self, prefix: str) -> Iterator[str]:
        """Walk the folder in the order of keys."""
        *parents, start = prefix.split("/")
        if is_key_prefix(prefix):
            with _explained(self.folder):
                yield from self._below("".join(f"{name}/" for name in parents), start)

    def versions(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Walk the folder; each new file has a new number or time."""
        for key in self.keys(prefix):
            with suppress(FileNotFoundError):
                found = self._path(key).stat()
                yield key, f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"

    def sweep(self) -> int:
        """Remove the unfinished files of processes that were killed more than a day ago."""
        count, oldest = 0, datetime.now(UTC).timestamp() - _DAY
        with _explained(self.folder):
            for path in self.folder.rglob(f"{_UNFINISHED}*"):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < oldest:
                        path.unlink()
                        count += 1
        return count

    def location(self, key: str) -> str:
        """Name the file."""
        return str(self.folder / key)

    def _below(self, parent: str, start: str = "") -> Iterator[str]:
        try:
            with os.scandir(self.folder / parent) as entries:
                names = [
                    entry.name + "/" * entry.is_dir()
                    for entry in entries
                    if entry.name.startswith(start) and is_key(entry.name)
                ]
        except (FileNotFoundError, NotADirectoryError):
            return
        for name in sorted(names):  # a folder's name with its slash sorts as the keys in it do
            if name.endswith("/"):
                yield from self._below(parent + name)
            else:
                yield parent + name

    def _path(self, key: str) -> Path:
        check_key(key)
        return self.folder / key

    @contextmanager
    def _lock(self, key: str) -> Iterator[None]:
        """Make other updates of a key wait. Keys share 256 locks, which are never removed."""
        path = self.folder / ".locks" / hashlib.sha256(key.encode()).hexdigest()[:2]
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("w")
        with file:
            with _explained(path):
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _remove_empty(path: Path) -> None:
    """Remove a file without a value; the caller has its lock."""
    if _is_empty(path):
        path.unlink()


def _is_empty(path: Path) -> bool:
    with suppress(FileNotFoundError, NotADirectoryError):
        return not path.stat().st_size
    return False


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that others see whole or not at all."""
    with _temporary(path.parent, data) as temporary:
        temporary.replace(path)


@contextmanager
def _temporary(folder: Path, data: bytes) -> Iterator[Path]:
    """Write a finished file, which is removed unless the caller renames it."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=_UNFINISHED)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp makes it private; Airflow's processes may belong to several users.
        path.chmod(0o644)
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn an error of the file system into one that names the file."""
    try:
        yield
    except OSError as error:
        message = f"the state at {path} cannot be read or written: {error.strerror or error}"
        raise StateError(message) from error
