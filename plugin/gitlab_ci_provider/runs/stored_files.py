"""Caches and artifacts of hand-written DAGs: from a folder of the worker into the object store.

The same archives, patterns and names as those of GitLab jobs, so that the same programs read and
prune them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from gitlab_ci_provider.exceptions import SettingsError, StorageError
from gitlab_ci_provider.hooks.object_store import (
    get_file,
    open_upload,
    put_file,
    store_target,
    write_object,
)
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.uses import CacheUse
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.storage.archive import pack_hashed, unpack
from gitlab_ci_provider.storage.base import MissingObjectError, StorageUnavailableError
from gitlab_ci_provider.storage.checksums import verify
from gitlab_ci_provider.storage.index import ArtifactIndex, write_index
from gitlab_ci_provider.storage.keys import index_key
from gitlab_ci_provider.storage.members import find_members
from gitlab_ci_provider.storage.packing import Counts, packing_of

_log = logging.getLogger(__name__)


Pack = Callable[[Callable[[bytes], object]], tuple[Counts, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFiles:
    """What an archive has in it; nothing when no file matched.

    Attributes:
        size: of the archive in bytes.
        sha256: of the archive.
        entries: how many it has; `files` of those that are no folders.
    """

    size: int = 0
    sha256: str = ""
    entries: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What people and retention want to know of artifacts.

    Attributes:
        expire_in: seconds; 0 means never.
    """

    name: str
    expire_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFiles:
    """The object store of one task, and the folder that it works on.

    Attributes:
        root: all paths are relative to it, and nothing outside of it is read or written.
    """

    task: TaskContext
    target: StoreTarget
    root: Path

    def save(
        self,
        key: str,
        paths: Sequence[str],
        exclude: Sequence[str] = (),
        described: Described | None = None,
    ) -> PackedFiles:
        """Pack what patterns name and store it, with an index if it is described.

        Raises:
            StorageError: the store refused or failed; an earlier object stays.
            OSError: a file cannot be read.
        """
        found = find_members(self.root, paths, exclude=exclude)
        for line in found.findings:
            _log.info("%s", line)
        for line in found.warnings:
            _log.warning("%s", line)
        if not found.paths:
            return PackedFiles()
        with TemporaryDirectory() as name:
            folder = Path(name)
            packing = replace(packing_of(folder / key), scratch=folder, listing=folder / "listing")

            def pack(write: Callable[[bytes], object]) -> tuple[Counts, str]:
                return pack_hashed(write, self.root, found.paths, packing, _log.warning)

            packed = self._store(key, pack, folder)
            if described and packed.entries:
                index = self._index(key, packed, described)
                write_index(index, folder / "listing", folder / "index")
                put_file(self.target, index_key(key), folder / "index")
        return packed

    def _store(self, key: str, pack: Pack, folder: Path) -> PackedFiles:
        """Store an archive while it is packed; from a file if the store wants it as a whole."""
        upload = open_upload(self.target, key)
        try:
            packed = upload.store(pack, lambda data: write_object(self.target, key, data))
        except StorageUnavailableError:
            raise
        except StorageError as problem:
            _log.warning("%s; it is packed again, to a file", problem)
        else:
            return _packed(upload.size, *packed)
        archive = folder / "archive"
        with archive.open("wb") as file:
            packed = pack(file.write)
        put_file(self.target, key, archive)
        return _packed(archive.stat().st_size, *packed)

    def restore(self, key: str, sha256: str = "") -> int | None:
        """Fetch an archive and unpack it; return its size, None when there is none.

        Args:
            key: of the archive.
            sha256: that it must have; empty when that is not known.

        Raises:
            ArchiveError: it is broken, or would write outside the folder.
            StorageError: the store refused or failed.
            OSError: a file cannot be written.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory() as folder:
            archive = Path(folder) / key.rpartition("/")[2]
            try:
                get_file(self.target, key, archive)
            except MissingObjectError:
                return None
            verify(archive, sha256, key)
            unpack(archive, self.root, self.task.settings.archive_limits)
            return archive.stat().st_size

    def _index(self, key: str, packed: PackedFiles, described: Described) -> ArtifactIndex:
        now = int(datetime.now(UTC).timestamp())
        return ArtifactIndex(
            job=str(self.task.context["ti"].task_id),
            name=described.name,
            object_key=key,
            size=packed.size,
            sha256=packed.sha256,
            created=now,
            expire_at=now + described.expire_in if described.expire_in else None,
            files=(),
        )

    def note(self, name: str, keys: Sequence[str]) -> None:
        """Note that this task uses objects, so that retention leaves them alone."""
        now, job = datetime.now(UTC).timestamp(), str(self.task.context["ti"].task_id)
        user = {"ref": self.task.dag_id, "job": job, "run": self.task.run_id}
        self.task.state.uses.note_caches(
            CacheUse(object_key=key, name=name, used_at=now, **user) for key in keys
        )


def _packed(size: int, counts: Counts, sha256: str) -> PackedFiles:
    return PackedFiles(size=size, sha256=sha256, entries=counts.entries, files=counts.files)


def stored_files(task: TaskContext, path: str, conn_id: str) -> StoredFiles:
    """Open the object store of a task.

    Raises:
        SettingsError: there is no such connection, or the folder is not given in full.
    """
    conn_id = conn_id or task.settings.object_store_conn_id
    target = store_target(conn_id)
    if target is None:
        raise SettingsError(f"there is no connection '{conn_id}' for caches and artifacts")
    root = Path(path)
    if not root.is_absolute():
        raise SettingsError(f"path: {path!r} is not an absolute path of a folder")
    return StoredFiles(task=task, target=target, root=root)
