"""The object store as a job's pod sees it: objects that its plan has signed addresses for.

Unlike a client with keys, it can only do what was signed: no list, no delete, and no object above
5 GiB. GitLab Runner has the same limit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.model.plan import Grant, PartsGrant, StorePlace
from gitlab_ci_provider.storage.base import (
    Again,
    MissingObjectError,
    Progress,
    StorageUnavailableError,
    once,
    unwatched,
)
from gitlab_ci_provider.storage.multipart import PartedUpload, SignedParts
from gitlab_ci_provider.storage.parts import (
    AT_ONCE,
    FIRST,
    NONE,
    Part,
    PartError,
    check,
    fetch_all,
    others,
)
from gitlab_ci_provider.storage.s3_http import (
    client,
    code_of,
    is_busy,
    without_address,
    words_of,
)
from gitlab_ci_provider.storage.time_limit import TimeLimit, TimeLimitError
from gitlab_ci_provider.storage.transfer import SentFile, Transfer

if TYPE_CHECKING:
    import urllib3

LARGEST = 5 * 1024**3
"""Bytes; the most that S3 accepts in one request."""

_PATIENCE, _PART_PATIENCE = 300, 60
"""Seconds to wait for an answer, and for that to a part: others wait behind it."""

_CONNECTIONS = 4 * AT_ONCE
"""That are kept: several archives are on their way, each in parts."""

_CHANGED, _EMPTY = 412, 416
"""Answers: the object is another one now; it has no first byte."""

_COMPLETED = b"<CompleteMultipartUploadResult"
_MISSING = {"NoSuchKey", "NotFound"}
_MOST_OF_AN_ANSWER = 64 * 1024


class GrantedStore:
    """Gets and puts objects by their signed addresses.

    Args:
        place: where they are, for messages.
        reads: what may be fetched.
        writes: what may be stored.
        parted: of that, what may be stored in parts.
        seconds: how long one transfer of an object may take, by its key; no entry means no limit.
    """

    def __init__(
        self,
        place: StorePlace,
        reads: Sequence[Grant],
        writes: Sequence[Grant],
        seconds: Mapping[str, float] | None = None,
        parted: Sequence[PartsGrant] = (),
    ):
        self._parted = {grant.object_key: grant for grant in parted}
        self._seconds = seconds or {}
        self._place = place
        self._reads = _by_key(reads)
        self._writes = _by_key(writes)
        self._pools: dict[str, urllib3.PoolManager] = {}

    def get(self, key: str, path: Path, progress: Progress = unwatched) -> None:
        """Fetch an object; the file appears only when it is complete, with the object's time."""
        unfinished = path.with_name(f"{path.name}.unfinished")
        transfer = self._transfer(key, progress)
        url = self._url(self._reads, key)
        try:
            with self._errors("fetch", key), unfinished.open("wb") as file:
                modified = self._fetch(key, url, transfer, file)
            _take_time(unfinished, modified)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def _fetch(self, key: str, url: str, transfer: Transfer, file: IO[bytes]) -> str:
        """Write an object to a file, a large one in parallel parts; return its time."""
        limit = transfer.limit
        with self._asked("GET", url, limit, headers=FIRST.headers) as got:
            if got.status != _EMPTY:
                self._refuse_unless_done(got, "fetch", key)
                left = others(got.headers)
                if left is not None and (not left or self._compares_versions(url, limit)):
                    transfer.total = left[-1].end if left else _length(got)
                    file.writelines(transfer.pieces(got))
                    file.flush()
                    fetch_all(left, partial(self._part, key, url, transfer), file.fileno())
                    return got.headers.get("Last-Modified", "")
        with self._asked("GET", url, limit) as got:
            self._refuse_unless_done(got, "fetch", key)
            transfer.total = _length(got)
            file.writelines(transfer.pieces(got))
            return got.headers.get("Last-Modified", "")

    def _compares_versions(self, url: str, limit: TimeLimit) -> bool:
        with self._asked("GET", url, limit, headers=NONE.headers) as got:
            return bool(got.status == _CHANGED)

    def _part(self, key: str, url: str, transfer: Transfer, part: Part) -> Iterator[bytes]:
        with self._asked("GET", url, transfer.limit, headers=part.headers) as got:
            if got.status != _CHANGED:
                self._refuse_unless_done(got, "fetch", key)
            check(part, got.headers)
            yield from transfer.pieces(got)

    def put(self, key: str, path: Path, progress: Progress = unwatched) -> None:
        """Store a file; S3 shows the object only when it is complete."""
        size = path.stat().st_size
        if size > LARGEST:
            message = f"{self._at('store', key)}: {size} bytes exceed the 5 GiB that S3 accepts"
            raise StorageError(f"{message} in one request; use several caches or artifacts")
        transfer = self._transfer(key, progress, total=size)
        url = self._url(self._writes, key)
        with path.open("rb") as file, self._errors("store", key):
            headers = {"Content-Length": str(size), **self._place.write_headers}
            body = SentFile(file, transfer)
            with self._asked("PUT", url, transfer.limit, body=body, headers=headers) as said:
                self._refuse_unless_done(said, "store", key)

    def begin(self, key: str, again: Again) -> PartedUpload | None:
        """Store an object while it is made; None when it is stored by one request.

        A job's time limit is for a transfer, not for packing: then it is one request, too.
        """
        if self._seconds.get(key) or key not in self._parted:
            return None
        return PartedUpload(SignedParts(self._parted.pop(key), partial(self._send, key, again)))

    def give_up_unused(self) -> None:
        """Give up what was begun for this job and not needed."""
        while self._parted:
            key, grant = self._parted.popitem()
            SignedParts(grant, partial(self._send, key, once)).give_up()

    def _send(self, key: str, again: Again, method: str, url: str, body: bytes) -> str:
        """Send a request of an upload in parts; what gives it up is not worth another attempt."""
        seconds = _PATIENCE if method == "POST" else _PART_PATIENCE
        headers = {"Content-Length": str(len(body))}

        def send() -> str:
            with (
                self._errors("store", key),
                self._asked(method, url, TimeLimit(0), seconds, body=body, headers=headers) as said,
            ):
                self._refuse_unless_done(said, "store", key)
                data = said.read(_MOST_OF_AN_ANSWER)
            if code := code_of(data):  # S3 may have begun to answer before it failed
                words = f"{self._at('store', key)}: {words_of(said.status, data)}"
                raise (StorageUnavailableError if is_busy(0, code) else StorageError)(words)
            tag = said.headers.get("ETag", "")
            if (method == "PUT" and not tag) or (method == "POST" and _COMPLETED not in data):
                words = f"{self._at('store', key)}: the answer was cut short"
                raise StorageUnavailableError(words)
            return tag

        return (once if method == "DELETE" else again)(send)

    def _transfer(self, key: str, progress: Progress, total: int = 0) -> Transfer:
        return Transfer(TimeLimit(self._seconds.get(key, 0)), progress, total)

    def _url(self, grants: Mapping[str, str], key: str) -> str:
        if key not in grants:
            raise StorageError(f"this job's plan does not allow access to {self._place.name}{key}")
        return grants[key]

    @contextmanager
    def _asked(
        self, method: str, url: str, limit: TimeLimit, seconds: float = _PATIENCE, **sent: Any
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        import urllib3

        answer = self._pool(url).request(
            method,
            url,
            **sent,
            timeout=urllib3.Timeout(connect=limit.left(10), read=limit.left(seconds)),
            redirect=False,
            retries=False,
            preload_content=False,
        )
        try:
            yield answer
        finally:
            answer.close()

    def _pool(self, url: str) -> urllib3.PoolManager:
        """Make the client, or reuse it."""
        server = urlsplit(url).netloc
        if server not in self._pools:
            options = {"blocksize": 256 * 1024, "maxsize": _CONNECTIONS}
            self._pools[server] = client(url, self._place.ca_bundle, **options)
        return self._pools[server]

    def _refuse_unless_done(self, answer: urllib3.BaseHTTPResponse, verb: str, key: str) -> None:
        if answer.status in {200, 204, 206}:
            return
        said = answer.read(_MOST_OF_AN_ANSWER)
        code = code_of(said)
        reason = f"{self._at(verb, key)}: {words_of(answer.status, said)}"
        if answer.status == 404 and code in {"", *_MISSING}:
            raise MissingObjectError(reason)
        if is_busy(answer.status, code):
            raise StorageUnavailableError(reason)
        raise StorageError(reason)

    def _at(self, verb: str, key: str) -> str:
        return f"cannot {verb} {self._place.name}{key}{self._place.at}"

    @contextmanager
    def _errors(self, verb: str, key: str) -> Iterator[None]:
        """Turn errors of HTTP into ours, without the addresses, which are secrets."""
        from urllib3.exceptions import HTTPError

        try:
            yield
        except HTTPError as error:
            message = f"{self._at(verb, key)}: {without_address(error)}"
            raise StorageUnavailableError(message) from None
        except (TimeLimitError, PartError) as error:
            raise StorageUnavailableError(f"{self._at(verb, key)}: {error}") from None


def _length(answer: urllib3.BaseHTTPResponse) -> int:
    """Return how long an answer is; 0 when it does not say."""
    text = answer.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else 0


def _take_time(path: Path, modified: str) -> None:
    """Give a file the time that a server has stated; a malformed one says nothing."""
    from email.utils import parsedate_to_datetime

    with suppress(ValueError, OverflowError):
        moment = parsedate_to_datetime(modified).timestamp()
        os.utime(path, (moment, moment))


def _by_key(grants: Sequence[Grant]) -> dict[str, str]:
    return {grant.object_key: grant.url for grant in grants}
