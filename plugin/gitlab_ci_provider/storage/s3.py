"""Any S3 with the keys of the installation: reading, listing and deleting. The only user of boto3.

Jobs get signed addresses instead, see `granted.py`. Nothing is retried here: the caller knows how
long it may wait, see `hooks/object_store.py`. Checksums are sent only where S3 demands them,
because older servers do not accept the new default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.storage.base import (
    Again,
    MissingObjectError,
    StorageUnavailableError,
)
from gitlab_ci_provider.storage.multipart import PartedUpload
from gitlab_ci_provider.storage.s3_http import is_busy, refusal
from gitlab_ci_provider.storage.shelf import StoredObject

_MIB = 1024 * 1024
_PART = 16 * _MIB
_MISSING = {"404", "NoSuchKey", "NotFound", "NoSuchUpload"}
_AT_ONCE = 1000
"""Objects that S3 deletes by one request."""

_HOUR = 3600


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

    def put(self, key: str, path: Path) -> None:
        """Store a file, large ones in parallel parts; it is seen only when it is complete."""
        with self._errors(key, "store"):
            self._client.upload_file(
                str(path),
                self._target.bucket,
                self._full(key),
                ExtraArgs=_encryption(self._target),
                Config=_transfer(),
            )

    def write(self, key: str, data: bytes) -> None:
        """Store a small object."""
        self._ask("put_object", key, Body=data, **_encryption(self._target))

    def begin(self, key: str, again: Again) -> PartedUpload:
        """Store an object while it is made; `again` calls what sends a part."""

        def ask(method: str, **sent: Any) -> Any:
            return again(lambda: self._ask(method, key, **sent))

        return PartedUpload(_Parts(ask, partial(self.give_up, key), _encryption(self._target)))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """List all objects whose keys begin with a prefix, by key."""
        for page in self._pages(prefix):
            for found in page.get("Contents") or ():
                yield StoredObject(
                    key=found["Key"][len(self._target.prefix) :],
                    size=found["Size"],
                    changed=found["LastModified"].timestamp(),
                )

    def folders(self, prefix: str) -> Iterator[str]:
        """List the names that follow a prefix up to the next slash."""
        for page in self._pages(prefix, Delimiter="/"):
            for found in page.get("CommonPrefixes") or ():
                yield found["Prefix"][len(self._full(prefix)) : -1]

    def unfinished(self, prefix: str) -> Iterator[StoredObject]:
        """List the uploads in parts that have not ended; nobody sees objects of them."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self._target.bucket, Prefix=self._full(prefix)
        )
        # rclone answers "no such upload" when there was none yet.
        with suppress(MissingObjectError), self._errors(prefix, "list uploads of"):
            for page in pages:
                for found in page.get("Uploads") or ():
                    yield StoredObject(
                        key=found["Key"][len(self._target.prefix) :],
                        size=0,
                        changed=found["Initiated"].timestamp(),
                        upload=found["UploadId"],
                    )

    def give_up(self, key: str, upload: str) -> str:
        """Forget such an upload and its parts; returns what went wrong."""
        try:
            with suppress(MissingObjectError), self._errors(key, "give up the upload of"):
                self._client.abort_multipart_upload(
                    Bucket=self._target.bucket, Key=self._full(key), UploadId=upload
                )
        except StorageError as problem:
            return str(problem)
        return ""

    def size(self, key: str) -> int:
        """Return the size of an object."""
        with self._errors(key):
            found = self._client.head_object(Bucket=self._target.bucket, Key=self._full(key))
        return int(found["ContentLength"])

    def read(self, key: str, start: int, length: int) -> bytes:
        """Read a part of an object."""
        if length <= 0:
            return b""
        with self._errors(key):
            found = self._client.get_object(
                Bucket=self._target.bucket,
                Key=self._full(key),
                Range=f"bytes={start}-{start + length - 1}",
            )
            return bytes(found["Body"].read())

    def delete(self, keys: Iterable[str]) -> dict[str, str]:
        """Delete objects, those that are gone already, too; returns what went wrong, by key."""
        problems: dict[str, str] = {}
        left = iter(keys)
        while some := list(islice(left, _AT_ONCE)):
            wanted = [{"Key": self._full(key)} for key in some]
            with self._errors(some[0], "delete"):
                said = self._client.delete_objects(
                    Bucket=self._target.bucket, Delete={"Objects": wanted, "Quiet": True}
                )
            for failed in said.get("Errors") or ():
                key = str(failed.get("Key", ""))[len(self._target.prefix) :]
                problems[key] = f"{failed.get('Code', '')} {failed.get('Message', '')}".strip()
        return problems

    def address(self, key: str, name: str) -> str:
        """Return an address from which a browser saves an object under a name, for an hour."""
        wanted = {
            "Bucket": self._target.bucket,
            "Key": self._full(key),
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        }
        with self._errors(key, "sign"):
            return str(
                self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=_HOUR)
            )

    def _ask(self, method: str, key: str, **sent: Any) -> Any:
        with self._errors(key, "store"):
            return getattr(self._client, method)(
                Bucket=self._target.bucket, Key=self._full(key), **sent
            )

    def _pages(self, prefix: str, **how: str) -> Iterator[Any]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._target.bucket, Prefix=self._full(prefix), **how
        )
        with self._errors(prefix, "list"):
            yield from pages

    def _full(self, key: str) -> str:
        return f"{self._target.prefix}{key}"

    @contextmanager
    def _errors(self, key: str, verb: str = "fetch") -> Iterator[None]:
        """Turn boto3's errors into ours; errors of the local disk are not changed."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        at = f" at {self._target.endpoint_url}" if self._target.endpoint_url else ""
        failed = f"cannot {verb} s3://{self._target.bucket}/{self._full(key)}{at}"
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


class _Parts:
    """An upload in parts, by the keys of the installation; it begins with its first part.

    Args:
        ask: sends one of boto3's requests about the object, and again if that may help.
        give_up: lets the store forget an upload.
        encryption: of the object.
    """

    most = 10_000

    def __init__(
        self,
        ask: Callable[..., Any],
        give_up: Callable[[str], object],
        encryption: Mapping[str, str],
    ):
        self._ask = ask
        self._give_up = give_up
        self._encryption = encryption
        self._upload = ""

    def begin(self) -> None:
        """Begin."""
        self._upload = str(self._ask("create_multipart_upload", **self._encryption)["UploadId"])

    def send(self, number: int, body: bytes) -> str:
        """Store a part."""
        sent = {"PartNumber": number, "Body": body, "UploadId": self._upload}
        return str(self._ask("upload_part", **sent)["ETag"])

    def complete(self, tags: Sequence[str]) -> None:
        """Let readers see the object."""
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)]
        sent = {"MultipartUpload": {"Parts": parts}, "UploadId": self._upload}
        self._ask("complete_multipart_upload", **sent)

    def give_up(self) -> None:
        """Let the store forget it, if it has begun."""
        if self._upload:
            self._give_up(self._upload)


def _refused(error: Any, message: str) -> StorageError:
    """Classify the server's answer."""
    answer = error.response.get("Error", {})
    code = str(answer.get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = f"{message}: {refusal(code, str(answer.get('Message', '')))}"
    if code in _MISSING:
        return MissingObjectError(said)
    return (StorageUnavailableError if is_busy(status, code) else StorageError)(said)


def _encryption(target: StoreTarget) -> dict[str, str]:
    asked = {"ServerSideEncryption": target.encryption, "SSEKMSKeyId": target.encryption_key}
    return {name: value for name, value in asked.items() if value}


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
