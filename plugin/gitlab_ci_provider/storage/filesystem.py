"""An object store in a folder: for tests, and where one machine is all there is."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.storage.base import MissingObjectError, ObjectInfo

_UNFINISHED = ".unfinished-"


class FilesystemStore:
    """Objects as files below a folder; `/` in a key makes folders."""

    def __init__(self, folder: Path):
        self._folder = folder

    def get(self, key: str, path: Path) -> None:
        """Copy an object to a file."""
        try:
            self._copy(self._path(key), path)
        except FileNotFoundError as error:
            raise MissingObjectError(f"there is no object {key} in {self._folder}") from error
        except OSError as error:
            raise StorageError(f"cannot read {key} in {self._folder}: {error}") from error

    def put(self, key: str, path: Path) -> None:
        """Copy a file to an object, then put it in place at once."""
        target = self._path(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._copy(path, target)
        except OSError as error:
            raise StorageError(f"cannot write {key} in {self._folder}: {error}") from error

    def head(self, key: str) -> ObjectInfo | None:
        """Look at an object."""
        path = self._path(key)
        return self._info(path) if path.is_file() else None

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """List objects; the folder that the prefix names is all that is read."""
        top = self._folder / prefix.rpartition("/")[0]
        found = (path for path in top.rglob("*") if path.is_file())
        infos = (self._info(path) for path in found if not path.name.startswith(_UNFINISHED))
        wanted = (info for info in infos if info.key.startswith(prefix))
        yield from sorted(wanted, key=lambda info: info.key)

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in {"", ".", ".."} for part in parts):
            raise StorageError(f"not a key of an object: {key!r}")
        return self._folder.joinpath(*parts)

    def _info(self, path: Path) -> ObjectInfo:
        found = path.stat()
        key = path.relative_to(self._folder).as_posix()
        return ObjectInfo(key=key, size=found.st_size, modified=found.st_mtime)

    def _copy(self, source: Path, target: Path) -> None:
        with _in_place_at_once(target) as unfinished:
            shutil.copyfile(source, unfinished)


@contextmanager
def _in_place_at_once(target: Path) -> Iterator[Path]:
    """Yield a file that becomes the target when the block has ended well."""
    unfinished = target.with_name(f"{_UNFINISHED}{uuid.uuid4().hex}")
    try:
        yield unfinished
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
