"""Requests to an Airflow that outlast a slow machine: whatever may pass is asked again.

A time-out, a refused or broken connection, an answer of 5xx (a locked database is one) or one that
is no JSON says nothing about the pipeline that is being followed. So a request is made again for as
long as the Airflow lives; every request of ours may be made twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gitlab_ci_provider.exceptions import StackError

if TYPE_CHECKING:
    import httpx

_TIMEOUT = 30
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
_PASSING = frozenset({408, 425, 429})
_TELL_AFTER = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach an Airflow: with a token, or with user and password to get one."""

    url: str
    token: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an Airflow that does not answer is asked again.

    Attributes:
        alive: tells whether it may still come back; None when nobody can tell. Then an address
            that refuses the very first connection counts as wrong.
        seconds: of failures without one good answer.
        tell: is told of a failure that lasts.
    """

    alive: Callable[[], bool] | None = None
    seconds: float = 600
    tell: Callable[[str], None] = lambda _: None


PATIENT = Patience()


class RefusedError(StackError):
    """Airflow has understood a request and refused it.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class _Passing(Exception):  # noqa: N818 - it is no error yet
    """A failure that may pass."""


class Calls:
    """A session with one Airflow.

    Raises:
        StackError: it cannot be reached, or refuses the login.
    """

    def __init__(self, access: Access, patience: Patience = PATIENT):
        import httpx

        self.access, self._patience = access, patience
        self._answered = False
        try:
            self._http = httpx.Client(
                base_url=access.url, timeout=_TIMEOUT, trust_env=not _is_here(access.url)
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise StackError(f"'{access.url}' is no address of an Airflow: {error}") from error
        self._log_in()

    def ask(self, method: str, path: str, **given: Any) -> Any:
        """Make a request of the REST API and give its answer.

        Raises:
            RefusedError: Airflow does not do it.
            StackError: Airflow has gone, or has not answered for a long time.
        """
        answer = self._request(method, f"/api/v2{path}", **given)
        if answer.status_code == 401 and not self.access.token:
            self._log_in()  # the session was longer than a login lasts
            answer = self._request(method, f"/api/v2{path}", **given)
        if not answer.is_success:
            words = f"Airflow: {method} {path}: {answer.status_code} {_detail(answer)}"
            raise RefusedError(words, answer.status_code)
        return answer.json() if answer.content else None

    def find(self, path: str, **given: Any) -> Any:
        """Read something that may not be there; None when it is not."""
        try:
            return self.ask("GET", path, **given)
        except RefusedError as problem:
            if problem.status == 404:
                return None
            raise

    def _log_in(self) -> None:
        token = self.access.token
        if not token:
            login = {"username": self.access.user, "password": self.access.password}
            answer = self._request("POST", "/auth/token", json=login)
            if not answer.is_success:
                message = f"Airflow at {self.access.url} refused the login: {_detail(answer)}"
                raise RefusedError(message, answer.status_code)
            token = str(answer.json()["access_token"])
        self._http.headers["Authorization"] = f"Bearer {token}"

    def _request(self, method: str, path: str, **given: Any) -> httpx.Response:
        began, told = time.monotonic(), False
        for pause in _pauses():
            try:
                return self._once(method, path, **given)
            except _Passing as problem:
                waited = time.monotonic() - began
                if self._has_given_up(waited):
                    message = f"Airflow at {self.access.url} does not answer: {problem}"
                    raise StackError(message) from problem
                if waited > _TELL_AFTER and not told:
                    self._patience.tell(f"Airflow does not answer ({problem}); asking again")
                    told = True
            time.sleep(pause)
        raise StopIteration

    def _once(self, method: str, path: str, **given: Any) -> httpx.Response:
        import httpx

        try:
            answer = self._http.request(method, path, **given)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _Passing(str(error) or type(error).__name__) from error
        if answer.status_code >= 500 or answer.status_code in _PASSING:
            raise _Passing(f"{answer.status_code} {_detail(answer)}")
        if answer.is_success and answer.content and not _is_json(answer):
            raise _Passing("its answer is no JSON")
        self._answered = True
        return answer

    def _has_given_up(self, waited: float) -> bool:
        alive = self._patience.alive
        if alive is None:
            return not self._answered or waited > self._patience.seconds
        return not alive() or waited > self._patience.seconds


def _pauses() -> Iterator[float]:
    yield from _PAUSES
    while True:
        yield _PAUSES[-1]


def _is_here(url: str) -> bool:
    """Tell whether an address is on this machine, where no proxy must be asked."""
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}


def _is_json(answer: httpx.Response) -> bool:
    try:
        answer.json()
    except ValueError:
        return False
    return True


def _detail(answer: httpx.Response) -> str:
    """Read why Airflow refuses: its own words, or the first line of a page."""
    try:
        said = answer.json().get("detail")
    except (ValueError, AttributeError):
        said = None
    return " ".join(str(said or answer.text or answer.reason_phrase).split())[:300]
