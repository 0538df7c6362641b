"""A session with an Airflow that survives a slow machine: transient failures are retried.

A time-out, a refused or broken connection, a status of 5xx (a locked database gives one) or a body
that is not valid JSON says nothing about the pipeline that is being followed. Such a request is
sent again for as long as the Airflow lives, so every request made here has to be idempotent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gitlab_ci_provider.exceptions import AirflowApiError

if TYPE_CHECKING:
    import httpx

_TIMEOUT = 30
_PAGE = 100
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
_TRANSIENT = frozenset({408, 425, 429})
_TELL_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach an Airflow: with a token, or with user and password to get one."""

    url: str
    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long to retry requests to an Airflow that does not answer.

    Attributes:
        alive: tells whether it may still come back; None when nobody can tell. Then an address
            that refuses the very first connection counts as wrong.
        seconds: how long to continue without a good response.
        tell: is called once when a failure lasts.
    """

    alive: Callable[[], bool] | None = None
    seconds: float = 600
    tell: Callable[[str], None] = lambda _: None


DEFAULT_RETRY_POLICY = RetryPolicy()


class _TransientError(Exception):
    """A failure that may be temporary."""


class Session:
    """A session with one Airflow.

    Raises:
        AirflowApiError: it cannot be reached, or refuses the login.
    """

    def __init__(self, access: Access, retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY):
        import httpx

        self.access, self._retry_policy = access, retry_policy
        self._has_answered = False
        try:
            self._http = httpx.Client(
                base_url=access.url, timeout=_TIMEOUT, trust_env=not _is_local(access.url)
            )
        except (httpx.InvalidURL, ValueError) as error:
            message = f"'{access.url}' is not a valid Airflow URL: {error}"
            raise AirflowApiError(message) from error
        self._log_in()

    def request(self, method: str, path: str, **arguments: Any) -> Any:
        """Send a request to the REST API and return the decoded body of the response.

        Raises:
            AirflowApiError: Airflow refuses it, has gone, or has not answered for a long time.
        """
        return self._answer(method, path, f"/api/v2{path}", **arguments)

    def get(self, path: str) -> Any:
        """Read JSON of a plugin of the Airflow; raises as `request`."""
        return self._answer("GET", path, path)

    def post(self, path: str, body: Any) -> Any:
        """Send JSON to a plugin of the Airflow; raises as `request`."""
        return self._answer("POST", path, path, json=body)

    def save(self, path: str, into: IO[bytes]) -> None:
        """Fetch a download of a plugin of the Airflow, piece by piece.

        Raises:
            AirflowApiError: Airflow refuses it, or the connection breaks.
        """
        try:
            self._saved(path, into)
        except AirflowApiError as refused:  # before anything was written
            if refused.status != 401 or self.access.token:
                raise
            self._log_in()  # the login has expired
            self._saved(path, into)

    def _saved(self, path: str, into: IO[bytes]) -> None:
        import httpx

        try:
            with self._http.stream("GET", path) as response:
                if not response.is_success:
                    response.read()
                    raise _refusal("GET", path, response)
                for piece in response.iter_bytes():
                    into.write(piece)
        except httpx.HTTPError as problem:
            raise AirflowApiError(f"Airflow: GET {path}: {problem or 'broken off'}") from problem

    def _answer(self, method: str, path: str, address: str, **arguments: Any) -> Any:
        response = self._send(method, address, **arguments)
        if response.status_code == 401 and not self.access.token:
            self._log_in()  # the login has expired
            response = self._send(method, address, **arguments)
        if not response.is_success:
            raise _refusal(method, path, response)
        return response.json() if response.content else None

    def find(self, path: str, **arguments: Any) -> Any:
        """Read something that may not exist; None when it does not."""
        try:
            return self.request("GET", path, **arguments)
        except AirflowApiError as problem:
            if problem.status == 404:
                return None
            raise

    def list_all(self, path: str, entries: str, **query: Any) -> list[Any]:
        """Read a whole list, page by page.

        Airflow sends at most `[api] maximum_page_limit` entries (100) at once, whatever limit the
        request has.

        Args:
            path: of the list.
            entries: the field of the body that holds the entries.
            query: filters and order.

        Raises:
            AirflowApiError: as `request`.
        """
        found: list[Any] = []
        while True:
            params = {**query, "limit": _PAGE, "offset": len(found)}
            page = self.request("GET", path, params=params)
            found += page[entries]
            if len(found) >= page["total_entries"] or not page[entries]:
                return found

    def _log_in(self) -> None:
        token = self.access.token
        if not token:
            login = {"username": self.access.user, "password": self.access.password}
            response = self._send("POST", "/auth/token", json=login)
            if not response.is_success:
                message = f"Airflow at {self.access.url} refused the login: {_detail(response)}"
                raise AirflowApiError(message, response.status_code)
            token = str(response.json()["access_token"])
        self._http.headers["Authorization"] = f"Bearer {token}"

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        began, told = time.monotonic(), False
        for pause in _pauses():
            try:
                return self._send_once(method, path, **arguments)
            except _TransientError as problem:
                waited = time.monotonic() - began
                if self._has_given_up(waited):
                    message = f"Airflow at {self.access.url} does not answer: {problem}"
                    raise AirflowApiError(message) from problem
                if waited > _TELL_SECONDS and not told:
                    self._retry_policy.tell(f"Airflow does not answer ({problem}); retrying")
                    told = True
            time.sleep(pause)
        raise StopIteration

    def _send_once(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        import httpx

        try:
            response = self._http.request(method, path, **arguments)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _TransientError(str(error) or type(error).__name__) from error
        if response.status_code >= 500 or response.status_code in _TRANSIENT:
            raise _TransientError(f"{response.status_code} {_detail(response)}")
        if response.is_success and response.content and not _is_json(response):
            raise _TransientError("the response is not valid JSON")
        self._has_answered = True
        return response

    def _has_given_up(self, waited: float) -> bool:
        alive = self._retry_policy.alive
        if alive is None:
            return not self._has_answered or waited > self._retry_policy.seconds
        return not alive() or waited > self._retry_policy.seconds


def _pauses() -> Iterator[float]:
    yield from _PAUSES
    while True:
        yield _PAUSES[-1]


def _is_local(url: str) -> bool:
    """Return whether an address is on this machine, which no proxy can reach."""
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}


def _is_json(response: httpx.Response) -> bool:
    try:
        response.json()
    except ValueError:
        return False
    return True


def _refusal(method: str, path: str, response: httpx.Response) -> AirflowApiError:
    message = f"Airflow: {method} {path}: {response.status_code} {_detail(response)}"
    return AirflowApiError(message, response.status_code)


def _detail(response: httpx.Response) -> str:
    """Read why Airflow refuses: its own words, or the beginning of a page."""
    try:
        detail = response.json().get("detail")
    except (ValueError, AttributeError):
        detail = None
    return " ".join(str(detail or response.text or response.reason_phrase).split())[:300]
