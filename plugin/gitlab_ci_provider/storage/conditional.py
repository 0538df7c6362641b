"""Small objects that many processes change: read whole, stored on a condition, listed by prefix.

One request each, with signed addresses and urllib3, because importing boto3 takes longer than all
requests of a job. Nothing is retried here: the caller knows how long it may wait, see
`records/bucket.py`. Keys of objects are those of the state: ASCII, with `/`.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.storage.base import StorageUnavailableError
from gitlab_ci_provider.storage.s3_http import (
    client,
    code_of,
    is_busy,
    without_address,
    words_of,
)
from gitlab_ci_provider.storage.signing import Method, Period, signed_url

if TYPE_CHECKING:
    import urllib3

NEW = ""
"""The condition that there is no such object."""

_WRITER = "x-amz-meta-writer"
_SECONDS = 900
"""For which a signature is valid: clocks may differ by some minutes."""

_EXPIRED = {"ExpiredToken", "TokenRefreshRequired", "RequestExpired"}
_FORBIDDEN = {401, 403}
_TAG = re.compile(r"\{.*\}")


class RefusedKeysError(StorageError):
    """The store does not accept the keys, or does not let them do this.

    Attributes:
        expired: they were accepted before; others may follow.
    """

    def __init__(self, message: str, *, expired: bool):
        super().__init__(message)
        self.expired = expired


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object as it was read.

    Attributes:
        data: empty when only its size was asked for.
        version: its ETag, a condition for storing it again.
        writer: who has stored it, in their own words.
    """

    data: bytes
    size: int
    version: str
    writer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An object in a listing."""

    key: str
    size: int
    version: str


class ConditionalObjects:
    """Objects in a bucket, all keys below the target's prefix.

    Every method raises StorageUnavailableError if a retry may help, RefusedKeysError if other keys
    may, and StorageError otherwise.
    """

    def __init__(
        self, target: StoreTarget, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ):
        self.target = target
        self._clock = clock
        address = target.endpoint_url or "https://amazonaws.com"
        self._pool = client(address, target.ca_bundle, maxsize=8)

    def get(self, key: str) -> Found | None:
        """Read an object; None when there is none."""
        return self._found("GET", key)

    def head(self, key: str) -> Found | None:
        """Read what is known of an object; None when there is none."""
        return self._found("HEAD", key)

    def put(self, key: str, data: bytes, condition: str | None, writer: str) -> bool:
        """Store an object; False when the condition does not hold.

        Args:
            key: of the object.
            data: may be empty.
            condition: the version that it must have, NEW when there must be none; None for any.
            writer: stored with it, see `Found`.
        """
        conditions = {} if condition is None else {"If-Match": condition}
        if condition == NEW:
            conditions = {"If-None-Match": "*"}
        sent = {**conditions, **self.target.write_headers, _WRITER: writer}
        sent["Content-Type"] = "application/octet-stream"
        answer = self._ask("PUT", key, body=data, headers=sent)
        if answer.status == 412 or (
            answer.status == 404 and condition and code_of(answer.data) == "NoSuchKey"
        ):
            return False
        self._refuse_unless_done(answer, "store", key)
        return True

    def delete(self, key: str, version: str = "") -> bool:
        """Delete an object, if there is one; False when it has another version than given.

        Not every store looks at the version.
        """
        answer = self._ask("DELETE", key, headers={"If-Match": version} if version else {})
        if answer.status == 412:
            return False
        if answer.status != 404:
            self._refuse_unless_done(answer, "delete", key)
        return True

    def page(self, prefix: str, after: str, length: int) -> list[Listed]:
        """List the first objects with a prefix whose keys come after one, in ascending order.

        Fewer than asked for are not all, only none are the end.
        """
        query = {
            "list-type": "2",
            "encoding-type": "url",
            "max-keys": str(length),
            "prefix": f"{self.target.prefix}{prefix}",
            **({"start-after": f"{self.target.prefix}{after}"} if after else {}),
        }
        answer = self._ask("GET", "", query=query)
        self._refuse_unless_done(answer, "list", prefix)
        try:
            return [self._listed(found) for found in _contents(answer.data)]
        except (ET.ParseError, ValueError) as problem:
            message = f"{self._failed('list', prefix)}: the answer is not a listing: {problem}"
            raise StorageUnavailableError(message) from problem

    def location(self, key: str) -> str:
        """Name an object, for messages."""
        return f"s3://{self.target.bucket}/{self.target.prefix}{key}"

    def _found(self, method: Method, key: str) -> Found | None:
        answer = self._ask(method, key)
        if answer.status == 404 and (
            method == "HEAD" or code_of(answer.data) in {"NoSuchKey", "NotFound"}
        ):
            return None
        self._refuse_unless_done(answer, "read", key)
        return Found(
            data=answer.data,
            size=int(answer.headers.get("Content-Length") or len(answer.data)),
            version=answer.headers.get("ETag") or "",
            writer=answer.headers.get(_WRITER) or "",
        )

    def _listed(self, found: ET.Element) -> Listed:
        key = unquote_plus(found.findtext("Key") or "")
        return Listed(
            key=key.removeprefix(self.target.prefix),
            size=int(found.findtext("Size") or 0),
            version=found.findtext("ETag") or "",
        )

    def _ask(
        self,
        method: Method,
        key: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        import urllib3

        sent = headers or {}
        signed = {name: value for name, value in sent.items() if name.startswith("x-amz-")}
        period = Period(start=self._clock(), seconds=_SECONDS)
        target = self.target if not query else replace(self.target, prefix="")
        url = signed_url(target, method, key, period, query=query, headers=signed)
        with self._errors(method, key):
            return self._pool.request(
                method,
                url,
                body=body,
                headers=dict(sent),
                timeout=urllib3.Timeout(connect=10, read=300),
                redirect=False,
                retries=False,
            )

    def _refuse_unless_done(self, answer: urllib3.BaseHTTPResponse, verb: str, key: str) -> None:
        if answer.status in {200, 204}:
            return
        code = code_of(answer.data)
        said = f"{self._failed(verb, key)}: {words_of(answer.status, answer.data)}"
        if is_busy(answer.status, code):
            raise StorageUnavailableError(said)
        if answer.status in _FORBIDDEN or code in _EXPIRED:
            raise RefusedKeysError(said, expired=code in _EXPIRED)
        raise StorageError(said)

    def _failed(self, verb: str, key: str) -> str:
        at = f" at {self.target.endpoint_url}" if self.target.endpoint_url else ""
        return f"cannot {verb} {self.location(key)}{at}"

    @contextmanager
    def _errors(self, method: str, key: str) -> Iterator[None]:
        """Turn errors of HTTP into ours, without addresses: they are signed."""
        from urllib3.exceptions import HTTPError

        verb = {"PUT": "store", "DELETE": "delete"}.get(method, "read")
        try:
            yield
        except HTTPError as error:
            message = f"{self._failed(verb, key)}: {without_address(error)}"
            raise StorageUnavailableError(message) from None


def _contents(data: bytes) -> list[ET.Element]:
    listing = ET.fromstring(data)  # noqa: S314 - of the store that has our state
    for element in listing.iter():
        element.tag = _TAG.sub("", element.tag)
    if listing.tag != "ListBucketResult":
        raise ValueError(listing.tag)
    return list(listing.iter("Contents"))
