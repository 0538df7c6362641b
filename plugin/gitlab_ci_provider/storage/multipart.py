"""Objects that are stored in parts while they are made: no file holds them first.

The worker begins the upload and signs the parts, since a pod has no keys. Readers see the object
when the upload ends, until then the one before it. An upload that never ends is given up: by the
pod, by `gitlab-dags prune` when the pod died.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, Self
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

PART = 8 * 1024 * 1024
"""Bytes of each part but the last. Some stores want them to be equal."""

MOST_PARTS = 640
_SECONDS = 900


class Send(Protocol):
    """Sends one request; raises StorageError."""

    def __call__(self, method: str, url: str, body: bytes) -> str:
        """Send it, and again if that may help; return the ETag of the answer."""
        ...


class PartedUpload:
    """One object on its way; use as a context manager, which gives it up unless it was completed.

    Args:
        grant: what the worker has signed.
        send: is called in threads, too.
        give_up: lets the store forget it.

    Attributes:
        waiting: what was written and not sent yet.
        size: bytes that were written.
        progress: told of each part that was stored.
    """

    def __init__(self, grant: PartsGrant, send: Send, give_up: Callable[[], None]):
        self._grant = grant
        self._send = send
        self._give_up = give_up
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
                self._give_up()

    def write(self, data: bytes) -> None:
        """Take bytes; waits while too many parts are on their way."""
        self.waiting += data
        self.size += len(data)
        while len(self.waiting) >= PART:
            self._send_part()

    @property
    def is_small(self) -> bool:
        """Whether all that was written is still `waiting`: one request can store it."""
        return not self._sent

    def complete(self) -> None:
        """Let readers see the object.

        Raises:
            StorageError: the store failed; the object before it is still there.
        """
        if self.waiting:
            self._send_part()
        self._threads.finish()
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
            for number, tag in enumerate(self._tags, start=1)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"
        self._send("POST", self._grant.complete, body.encode())
        self._completed = True

    def _send_part(self) -> None:
        if self._sent == len(self._grant.signatures):
            raise StorageError(f"an archive has more than {MOST_PARTS * PART >> 30} GiB")
        signature = self._grant.signatures[self._sent]
        self._sent += 1
        url = self._grant.part.replace("{number}", str(self._sent)) + signature
        body = bytes(self.waiting[:PART])
        del self.waiting[:PART]

        def work() -> str:
            tag = self._send("PUT", url, body)
            self.progress(len(body), 0)
            return tag

        self._threads.submit(work, then=self._tags.append)


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
