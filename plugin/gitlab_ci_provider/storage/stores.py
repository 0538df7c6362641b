"""From the plan's storage target to an object store."""

from __future__ import annotations

from pathlib import Path

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.model.plan import StoreTarget
from gitlab_ci_provider.storage.base import ObjectStore

_FOLDER = "file://"


def open_store(target: StoreTarget | None) -> ObjectStore:
    """Open the store of a plan; an endpoint `file:///path` is a folder with one folder a bucket.

    Raises:
        StorageError: the plan names none.
    """
    if target is None:
        raise StorageError("this job has caches or artifacts, but its plan names no object store")
    if target.endpoint_url.startswith(_FOLDER):
        from gitlab_ci_provider.storage.filesystem import FilesystemStore

        folder = Path(target.endpoint_url.removeprefix(_FOLDER)) / target.bucket
        return FilesystemStore(folder / target.prefix)
    from gitlab_ci_provider.storage.s3 import S3Store

    return S3Store(target)
