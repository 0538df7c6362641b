"""The connection to the object store: type `gitlab_ci_s3`, with a form and a Test button.

It has the fields that `object_store.py` reads. A connection of type `aws` or `generic` with the
same fields works as well; only the form is missing there.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from gitlab_ci_provider.exceptions import SettingsError, StorageError
from gitlab_ci_provider.hooks.object_store import open_store, store_target, write_object

if TYPE_CHECKING:
    from gitlab_ci_provider.model.object_store import StoreTarget
    from gitlab_ci_provider.storage.shelf import ObjectShelf

CONN_TYPE = "gitlab_ci_s3"
_FOLDER = "connection-test"
_TEXT = b"gitlab_ci_provider: test of the connection\n"
_WITHOUT_LIST = "objects cannot be listed (s3:ListBucket): nothing is pruned"
_WITHOUT_DELETE = "objects cannot be deleted (s3:DeleteObject): the one of this test stays"


class ObjectStoreHook(BaseHook):
    """The bucket of caches and artifacts."""

    conn_name_attr = "object_store_conn_id"
    default_conn_name = "gitlab_ci_object_store"
    conn_type = CONN_TYPE
    hook_name = "GitLab CI object store (S3)"

    def __init__(self, object_store_conn_id: str = default_conn_name):
        super().__init__()
        self.object_store_conn_id = object_store_conn_id

    def get_conn(self) -> ObjectShelf:
        """Open the store.

        Raises:
            SettingsError: there is no such connection, or it names no bucket.
        """
        return open_store(self._target())

    def test_connection(self) -> tuple[bool, str]:
        """Write an object as jobs do, read, list and delete it."""
        try:
            target = self._target()
            missing = _try(target, self.get_conn(), f"{_FOLDER}/{uuid.uuid4().hex}")
        except (SettingsError, StorageError) as problem:
            return False, str(problem)
        note = f" Note: {'; '.join(missing)}." if missing else ""
        at = f" at {target.endpoint_url}" if target.endpoint_url else ""
        return True, f"s3://{target.bucket}/{target.prefix}{at}: written and read.{note}"

    def _target(self) -> StoreTarget:
        target = store_target(self.object_store_conn_id)
        if target is None:
            raise SettingsError(f"there is no connection '{self.object_store_conn_id}'")
        return target


def _try(target: StoreTarget, shelf: ObjectShelf, key: str) -> list[str]:
    """Return what the keys may not do; jobs need to write and read.

    Raises:
        StorageError: they may not do even that.
    """
    write_object(target, key, _TEXT)
    if shelf.read(key, 0, len(_TEXT)) != _TEXT:
        raise StorageError(f"s3://{target.bucket}/{target.prefix}{key} is not what was written")
    missing = []
    if not _works(lambda: any(found.key == key for found in shelf.objects(f"{_FOLDER}/"))):
        missing.append(_WITHOUT_LIST)
    if not _works(lambda: not shelf.delete([key])):
        missing.append(_WITHOUT_DELETE)
    return missing


def _works(do: Callable[[], bool]) -> bool:
    try:
        return do()
    except StorageError:
        return False
