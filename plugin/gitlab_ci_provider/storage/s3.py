"""Reading from any S3 with the keys of the installation: the only user of boto3.

Jobs get signed addresses instead, see `granted.py`. Nothing is retried here: the caller knows how
long it may wait, see `hooks/object_store.py`. Checksums are sent only where S3 demands them,
because older servers do not accept the new default.
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
        with self._errors(key):
            self._client.download_file(
                self._target.bucket, self._full(key), str(path), Config=_transfer()
            )

    def _full(self, key: str) -> str:
        return f"{self._target.prefix}{key}"

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        """Turn boto3's errors into ours; errors of the local disk are not changed."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        at = f" at {self._target.endpoint_url}" if self._target.endpoint_url else ""
        failed = f"cannot fetch s3://{self._target.bucket}/{self._full(key)}{at}"
        try:
            yield
        except ClientError as error:
            raise _refused(error, failed) from error
        except Boto3Error as error:
            cause = error.__cause__ or error.__context__
            if isinstance(cause, ClientError):
                raise _refused(cause, failed) from error
            raise StorageUnavailableError(f"{failed}: {error}") from error
        except BotoCoreError as error:
            raise StorageUnavailableError(f"{failed}: {error}") from error


def _refused(error: Any, message: str) -> StorageError:
    """Classify the server's answer."""
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
        retries={"mode": "standard", "total_max_attempts": 1},
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
