"""The Airflow connection of the object store: any S3.

Login and password are the keys, none for those of a role, see `aws_keys.py`. Extra holds `bucket`,
and what docs/how-to/s3.md says.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.storage.base import StorageUnavailableError, sleep_about
from gitlab_ci_provider.storage.multipart import PartedUpload
from gitlab_ci_provider.storage.shelf import ObjectShelf

if TYPE_CHECKING:
    from gitlab_ci_provider.storage.s3 import S3Store

Result = TypeVar("Result")

_PAUSES = (1, 2, 4, 8, 15)
_ENCRYPTIONS = ("", "AES256", "aws:kms", "aws:kms:dsse")
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
    store = open_store(target)
    _patiently(lambda: store.get(key, path))


def _patiently(ask: Callable[[], Result], /) -> Result:
    """Ask a store once more while it does not answer."""
    for pause in _PAUSES:
        try:
            return ask()
        except StorageUnavailableError as problem:
            _log.warning("%s; trying again in %d s", problem, pause)
            sleep_about(pause)
    return ask()


def object_shelf(conn_id: str) -> ObjectShelf | None:
    """Open the object store as its administrators see it; None when there is no such connection.

    Raises:
        SettingsError: the connection names no bucket.
    """
    target = store_target(conn_id)
    return None if target is None else open_store(target)


def open_store(target: StoreTarget) -> S3Store:
    """Open the object store."""
    from gitlab_ci_provider.storage.s3 import S3Store  # importing boto3 is slow

    return S3Store(target)


def write_object(target: StoreTarget, key: str, data: bytes) -> None:
    """Store a small object.

    Raises:
        StorageError: the store refused or failed.
    """
    store = open_store(target)
    _patiently(lambda: store.write(key, data))


def open_upload(target: StoreTarget, key: str) -> PartedUpload:
    """Store an object of any size while it is made, without a file; waits as `put_file`."""
    return open_store(target).begin(key, _patiently)


def put_file(target: StoreTarget, key: str, path: Path) -> None:
    """Store a file of any size; wait up to half a minute for a store that does not answer.

    Raises:
        StorageError: the store refused or failed; an earlier object is still there.
    """
    store = open_store(target)
    _patiently(lambda: store.put(key, path))


def store_target(conn_id: str, bucket: str = "") -> StoreTarget | None:
    """Read where objects go; None when there is no such connection.

    Args:
        conn_id: of the connection.
        bucket: instead of the one that the connection names.

    Raises:
        SettingsError: the connection names no bucket, or no keys that the store would take.
        StorageUnavailableError: who gives the keys of a role does not answer.
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
    target = StoreTarget(
        bucket=str(bucket),
        prefix=f"{prefix}/" if prefix else "",
        endpoint_url=str(extra.get("endpoint_url") or ""),
        region=str(extra.get("region_name") or "us-east-1"),
        path_style=extra.get("path_style") in (None, "") or bool(extra["path_style"]),
        access_key=connection.login or "",
        secret_key=connection.password or "",
        session_token=str(extra.get("session_token") or ""),
        ca_bundle=str(extra.get("ca_bundle") or ""),
        multipart=bool(extra.get("multipart_uploads")),
        **_encryption(conn_id, extra),
    )
    if not _needs_role(connection):
        return target
    from gitlab_ci_provider.hooks.aws_keys import with_keys  # importing boto3 is slow

    return with_keys(target, connection)


def _needs_role(connection: Connection) -> bool:
    """Tell whether the keys are those of a role: there is no login, or it is for assuming one."""
    extra: dict[str, Any] = connection.extra_dejson
    return not extra.get("anonymous") and (not connection.login or bool(extra.get("role_arn")))


def _encryption(conn_id: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Read how new objects are encrypted.

    Raises:
        SettingsError: nobody knows this way.
    """
    way, key = (str(extra.get(name) or "") for name in ("server_side_encryption", "sse_kms_key_id"))
    if way not in _ENCRYPTIONS:
        known = ", ".join(f"'{word}'" for word in _ENCRYPTIONS[1:])
        words = f"server_side_encryption is '{way}', not one of {known}"
        raise SettingsError(f"connection '{conn_id}': {words}")
    if key and not way.startswith("aws:kms"):
        words = "sse_kms_key_id is used with server_side_encryption 'aws:kms' only"
        raise SettingsError(f"connection '{conn_id}': {words}")
    return {"encryption": way, "encryption_key": key}
