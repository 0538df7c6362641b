"""Caches and artifacts of hand-written DAGs: from a folder of the worker into the object store.

The same archives, patterns and names as those of GitLab jobs, so that the same programs read and
prune them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.object_store import get_file, put_file, store_target, write_object
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.uses import CacheUse
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.storage.archive import pack_hashed, unpack
from gitlab_ci_provider.storage.base import MissingObjectError
from gitlab_ci_provider.storage.checksums import verify
from gitlab_ci_provider.storage.entry import Entry
from gitlab_ci_provider.storage.index import ArtifactIndex, encode_index, indexed
from gitlab_ci_provider.storage.keys import index_key
from gitlab_ci_provider.storage.members import find_members
from gitlab_ci_provider.storage.packing import packing_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFiles:
    """What an archive has in it.

    Attributes:
        size: of the archive in bytes.
        sha256: of the archive.
        checksums: CRC-32 of each entry of a zip archive.
    """

    size: int = 0
    entries: tuple[Entry, ...] = ()
    sha256: str = ""
    checksums: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFiles:
    """The object store of one task, and the folder that it works on.

    Attributes:
        root: all paths are relative to it, and nothing outside of it is read or written.
    """

    task: TaskContext
    target: StoreTarget
    root: Path

    def save(self, key: str, paths: Sequence[str], exclude: Sequence[str] = ()) -> PackedFiles:
        """Pack what patterns name and store it; without entries, nothing matched or was stored.

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
        with TemporaryDirectory() as folder:
            archive = Path(folder) / key.rpartition("/")[2]
            packing = packing_of(archive)
            with archive.open("wb") as file:
                contents, sha256 = pack_hashed(
                    file.write, self.root, found.paths, packing, _log.warning
                )
            packed = PackedFiles(
                size=archive.stat().st_size,
                entries=tuple(contents.entries),
                sha256=sha256,
                checksums=contents.checksums,
            )
            put_file(self.target, key, archive)
        return packed

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

    def index(self, key: str, name: str, packed: PackedFiles, expire_in: int) -> None:
        """Store the index of an archive, which says when it expires; 0 means never."""
        now = int(datetime.now(UTC).timestamp())
        index = ArtifactIndex(
            job=str(self.task.context["ti"].task_id),
            name=name,
            object_key=key,
            size=packed.size,
            sha256=packed.sha256,
            created=now,
            expire_at=now + expire_in if expire_in else None,
            files=indexed(packed.entries, packed.checksums),
        )
        write_object(self.target, index_key(key), encode_index(index))

    def note(self, name: str, keys: Sequence[str]) -> None:
        """Note that this task uses objects, so that retention leaves them alone."""
        now, job = datetime.now(UTC).timestamp(), str(self.task.context["ti"].task_id)
        self.task.state.uses.note_caches(
            CacheUse(object_key=key, name=name, ref=self.task.dag_id, job=job, used_at=now)
            for key in keys
        )


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
