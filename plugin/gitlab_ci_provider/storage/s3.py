"""An object store on any S3: the only user of boto3.

Signature version 4; failed requests are repeated by botocore with growing pauses, and large files
travel in parts. No tags, access lists or life-cycle rules are ever sent: some servers take such a
request for the object itself and overwrite it. Checksums are sent only where S3 demands them, since
older servers stumble over the new default.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.storage.base import (
    MissingObjectError,
    ObjectInfo,
    StorageUnavailableError,
)

_MIB = 1024 * 1024
_PART = 16 * _MIB
_MISSING = {"404", "NoSuchKey", "NotFound"}
_BUSY = {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "Throttling"}


class S3Store:
    """Objects in a bucket, all keys below the target's prefix."""

    def __init__(self, target: StoreTarget):
        self._target = target
        self._client = _client(target)

    def get(self, key: str, path: Path) -> None:
        """Download an object, large ones in parallel parts."""
        with self._errors("fetch", key):
            self._client.download_file(
                self._target.bucket, self._full(key), str(path), Config=_transfer()
            )

    def put(self, key: str, path: Path) -> None:
        """Upload a file, large ones in parts; S3 shows the object only once it is whole."""
        with self._errors("store", key):
            self._client.upload_file(
                str(path), self._target.bucket, self._full(key), Config=_transfer()
            )

    def head(self, key: str) -> ObjectInfo | None:
        """Look at an object."""
        try:
            with self._errors("look at", key):
                found = self._client.head_object(Bucket=self._target.bucket, Key=self._full(key))
        except MissingObjectError:
            return None
        modified = found["LastModified"].timestamp()
        return ObjectInfo(key=key, size=found["ContentLength"], modified=modified)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """List objects, page by page."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._errors("list", prefix):
            for page in pages.paginate(Bucket=self._target.bucket, Prefix=self._full(prefix)):
                for found in page.get("Contents", ()):
                    yield ObjectInfo(
                        key=found["Key"].removeprefix(self._target.prefix),
                        size=found["Size"],
                        modified=found["LastModified"].timestamp(),
                    )

    def delete(self, key: str) -> None:
        """Remove an object."""
        with self._errors("delete", key):
            self._client.delete_object(Bucket=self._target.bucket, Key=self._full(key))

    def _full(self, key: str) -> str:
        return f"{self._target.prefix}{key}"

    @contextmanager
    def _errors(self, verb: str, key: str) -> Iterator[None]:
        """Turn boto3's errors into ours; errors of the local disk stay what they are."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        place = f"s3://{self._target.bucket}/{self._full(key)}"
        at = f" at {self._target.endpoint_url}" if self._target.endpoint_url else ""
        try:
            yield
        except ClientError as error:
            raise _refused(error, f"cannot {verb} {place}{at}") from error
        except Boto3Error as error:
            cause = error.__cause__ or error.__context__
            if isinstance(cause, ClientError):
                raise _refused(cause, f"cannot {verb} {place}{at}") from error
            raise StorageUnavailableError(f"cannot {verb} {place}{at}: {error}") from error
        except BotoCoreError as error:
            raise StorageUnavailableError(f"cannot {verb} {place}{at}: {error}") from error


def _refused(error: Any, message: str) -> StorageError:
    """Sort out what the server answered."""
    answer = error.response.get("Error", {})
    code = str(answer.get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = f"{message}: {code} {answer.get('Message', '')}".rstrip()
    if code in _MISSING:
        return MissingObjectError(said)
    return StorageUnavailableError(said) if code in _BUSY or status >= 500 else StorageError(said)


def _transfer() -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(
        multipart_threshold=2 * _PART,
        multipart_chunksize=_PART,
        max_concurrency=min(8, 2 * (os.cpu_count() or 1)),
    )


def _client(target: StoreTarget) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if target.path_style else "virtual"},
        retries={"mode": "standard", "total_max_attempts": 3},
        connect_timeout=10,
        read_timeout=60,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=target.endpoint_url or None,
        region_name=target.region,
        aws_access_key_id=target.access_key or None,
        aws_secret_access_key=target.secret_key or None,
        aws_session_token=target.session_token or None,
        verify=target.ca_bundle or None,
        config=config,
    )
