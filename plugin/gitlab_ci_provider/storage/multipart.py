"""Objects that are stored in parts while they are made: no file holds them first.

Readers see the object when the upload ends, until then the one before it. An upload that never ends
is given up: by who began it, by `gitlab-dags prune` when that died.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol, Self, TypeVar
from xml.sax.saxutils import escape

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.plan import PartsGrant
from gitlab_ci_provider.storage.base import Progress, StorageUnavailableError, unwatched
from gitlab_ci_provider.storage.in_order import InOrder
from gitlab_ci_provider.storage.s3_http import (
    client,
    upload_id_of,
    without_address,
    words_of,
)
from gitlab_ci_provider.storage.signing import Period, signed_url

Result = TypeVar("Result")

PART = 8 * 1024 * 1024
"""Bytes of each part but the last. Some stores want them to be equal."""

MOST_PARTS = 640
_SECONDS = 900


class Parts(Protocol):
    """The store's side of an upload.

    Attributes:
        most: how many parts it may have.
    """

    most: int

    def begin(self) -> None:
        """Begin, before the first part; raises StorageError."""

    def send(self, number: int, body: bytes) -> str:
        """Store a part, and return its ETag; called in threads, raises StorageError."""
        ...

    def complete(self, tags: Sequence[str]) -> None:
        """Let readers see the object; raises StorageError."""

    def give_up(self) -> None:
        """Let the store forget it; never fails."""


class PartedUpload:
    """One object on its way; use as a context manager, which gives it up unless it was completed.

    Attributes:
        waiting: what was written and not sent yet.
        size: bytes that were written.
        progress: told of each part that was stored.
    """

    def __init__(self, parts: Parts):
        self._parts = parts
        self._threads = InOrder("part")
        self._tags: list[str] = []
        self._sent = 0
        self._completed = False
        self.waiting = bytearray()
        self.size = 0
        self.progress: Progress = unwatched

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the threads."""
        try:
            self._threads.__exit__(kind)
        finally:
            if not self._completed:
                self._parts.give_up()

    def store(
        self, pack: Callable[[Callable[[bytes], object]], Result], put: Callable[[bytes], object]
    ) -> Result:
        """Store what is packed while it is; return what packing it returns.

        Args:
            pack: writes the object.
            put: stores one that fits into a part by one request.

        Raises:
            StorageError: the store failed; the object before it is still there.
        """
        with self:
            packed = pack(self.write)
            if self._sent:
                self._complete()
        if not self._sent:
            put(bytes(self.waiting))
        return packed

    def write(self, data: bytes) -> None:
        """Take bytes; waits while too many parts are on their way."""
        self.waiting += data
        self.size += len(data)
        while len(self.waiting) >= PART:
            self._send_part()

    def _complete(self) -> None:
        if self.waiting:
            self._send_part()
        self._threads.finish()
        self._parts.complete(self._tags)
        self._completed = True

    def _send_part(self) -> None:
        if self._sent == self._parts.most:
            raise StorageError(f"an archive has more than {self._sent * PART >> 30} GiB")
        if not self._sent:
            self._parts.begin()
        self._sent += 1
        body = bytes(self.waiting[:PART])
        del self.waiting[:PART]

        def work(number: int) -> str:
            tag = self._parts.send(number, body)
            self.progress(len(body), 0)
            return tag

        self._threads.submit(work, self._sent, then=self._tags.append)


class Send(Protocol):
    """Sends one request; raises StorageError."""

    def __call__(self, method: str, url: str, body: bytes) -> str:
        """Send it, and again if that may help; return the ETag of the answer."""
        ...


class SignedParts:
    """An upload that the worker has begun, for a pod, which has no keys.

    Args:
        grant: what the worker has signed.
        send: is called in threads, too.
    """

    def __init__(self, grant: PartsGrant, send: Send):
        self.most = len(grant.signatures)
        self._grant = grant
        self._send = send

    def begin(self) -> None:
        """Do nothing: it has begun."""

    def send(self, number: int, body: bytes) -> str:
        """Store a part."""
        signature = self._grant.signatures[number - 1]
        url = self._grant.part.replace("{number}", str(number)) + signature
        return self._send("PUT", url, body)

    def complete(self, tags: Sequence[str]) -> None:
        """Let readers see the object."""
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
            for number, tag in enumerate(tags, start=1)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"
        self._send("POST", self._grant.complete, body.encode())

    def give_up(self) -> None:
        """Let the store forget it."""
        with suppress(StorageError):
            self._send("DELETE", self._grant.abort, b"")


def begin_upload(target: StoreTarget, key: str, now: datetime) -> str:
    """Begin an upload; return its number.

    Raises:
        StorageError: the store refused or failed.
    """
    from urllib3 import Timeout
    from urllib3.exceptions import HTTPError

    headers = target.write_headers
    period = Period(start=now, seconds=_SECONDS)
    url = signed_url(target, "POST", key, period, query={"uploads": ""}, headers=headers)
    failed = f"cannot begin to store s3://{target.bucket}/{target.prefix}{key}"
    try:
        answer = client(url, target.ca_bundle).request(
            "POST", url, headers=headers, timeout=Timeout(connect=10, read=60), retries=False
        )
    except HTTPError as error:
        raise StorageUnavailableError(f"{failed}: {without_address(error)}") from None
    number = upload_id_of(answer.data)
    if answer.status != 200 or not number:
        raise StorageError(f"{failed}: {words_of(answer.status, answer.data)}")
    return number
