"""The Airflow connection of the object store: any S3.

Connection type `aws`: login and password are the keys; extra holds `bucket`, and when it is not AWS
`endpoint_url`, `region_name`, `path_style`, `prefix`, `session_token`, `ca_bundle`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.storage.base import StorageUnavailableError
from gitlab_ci_provider.storage.shelf import ObjectShelf

_PAUSES = (1, 2, 4, 8, 15)
_log = logging.getLogger(__name__)


def read_object(target: StoreTarget, key: str) -> bytes:
    """Read a small object; raises as `get_file`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "object"
        get_file(target, key, path)
        return path.read_bytes()


def get_file(target: StoreTarget, key: str, path: Path) -> None:
    """Fetch an object; wait up to half a minute for a store that does not answer.

    Raises:
        MissingObjectError: there is no such object.
        StorageError: the store failed.
    """
    from gitlab_ci_provider.storage.s3 import S3Store  # importing boto3 is slow

    store = S3Store(target)
    _patiently(lambda: store.get(key, path))


def _patiently(ask: Callable[[], None]) -> None:
    """Ask a store once more while it does not answer."""
    for pause in _PAUSES:
        try:
            ask()
        except StorageUnavailableError as problem:
            _log.warning("%s; trying again in %d s", problem, pause)
            time.sleep(pause)
        else:
            return
    ask()


def object_shelf(conn_id: str) -> ObjectShelf | None:
    """Open the object store as its administrators see it; None when there is no such connection.

    Raises:
        SettingsError: the connection names no bucket.
    """
    target = store_target(conn_id)
    if target is None:
        return None
    from gitlab_ci_provider.storage.s3 import S3Store  # importing boto3 is slow

    return S3Store(target)


def write_object(target: StoreTarget, key: str, data: bytes) -> None:
    """Store a small object.

    Raises:
        StorageError: the store refused or failed.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "object"
        path.write_bytes(data)
        put_file(target, key, path)


def put_file(target: StoreTarget, key: str, path: Path) -> None:
    """Store a file of any size; wait up to half a minute for a store that does not answer.

    Raises:
        StorageError: the store refused or failed; an earlier object is still there.
    """
    from gitlab_ci_provider.storage.s3 import S3Store  # importing boto3 is slow

    store = S3Store(target)
    _patiently(lambda: store.put(key, path))


def store_target(conn_id: str, bucket: str = "") -> StoreTarget | None:
    """Read where objects go; None when there is no such connection.

    Args:
        conn_id: of the connection.
        bucket: instead of the one that the connection names.

    Raises:
        SettingsError: the connection names no bucket.
    """
    try:
        connection = Connection.get(conn_id)
    except AirflowNotFoundException:
        return None
    extra: dict[str, Any] = connection.extra_dejson
    bucket = bucket or extra.get("bucket") or extra.get("bucket_name") or connection.schema
    if not bucket:
        raise SettingsError(f"connection '{conn_id}' has no `bucket` in its extra")
    prefix = str(extra.get("prefix") or "").strip("/")
    return StoreTarget(
        bucket=str(bucket),
        prefix=f"{prefix}/" if prefix else "",
        endpoint_url=str(extra.get("endpoint_url") or ""),
        region=str(extra.get("region_name") or "us-east-1"),
        path_style=extra.get("path_style") in (None, "") or bool(extra["path_style"]),
        access_key=connection.login or "",
        secret_key=connection.password or "",
        session_token=str(extra.get("session_token") or ""),
        ca_bundle=str(extra.get("ca_bundle") or ""),
    )
