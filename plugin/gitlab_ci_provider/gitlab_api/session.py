"""The transport: repeats what can be repeated, and keeps the token from everybody else.

Its server alone is asked: no redirect and no address of a next page leads elsewhere, neither with
the token nor, from inside a network, to what only that network may read. What the server says is
searched for the token before anybody sees it, so that no exception and no log can hold it.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from requests import PreparedRequest, RequestException, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidURL, RetryError, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection

from gitlab_ci_provider.gitlab_api.limits import Deadline, EndlessError, Pages
from gitlab_ci_provider.gitlab_api.patience import (
    Patience,
    asked_pause,
    may_repeat_answer,
    may_repeat_failure,
)
from gitlab_ci_provider.gitlab_api.server import GitLabServer, origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3 import HTTPConnectionPool, HTTPResponse

_CONNECT_SECONDS, _SILENT_SECONDS = 10, 60
"""Until there is a connection; between two pieces of an answer."""

_ANSWER_SECONDS = 300.0
"""For a whole answer."""

_MOST_BYTES = 64 * 1024 * 1024
"""Of an answer."""


class PatientSession(Session):
    """Requests to one server."""

    def __init__(self, server: GitLabServer, patience: Patience):
        super().__init__()
        self._server = server
        self._patience = patience
        self._pages = Pages(patience.server, patience.log)
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Adapter())

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **given: Any) -> Response:
        """Send a request until there is an answer.

        Raises:
            RequestException: there is none; without the token, wherever the server has put it.
        """
        verb, address = _text(method), _text(url)
        self._check(address, given.get("params"))
        self._pages.note(address, given.get("params"))
        self._complete(verb, given)
        ask = functools.partial(super().request, verb, address, *args, **given)
        while True:
            answer = self._ask(verb, ask)
            if answer is not None:
                return answer

    def get_redirect_target(self, resp: Response) -> str | None:
        """Return where an answer redirects to: on its server, never with the token in it.

        Raises:
            InvalidURL: it is elsewhere.
        """
        target = super().get_redirect_target(resp)
        if target:
            there = urljoin(resp.url, target)
            if self.should_strip_auth(resp.url, there) or self._server.tells_token(there):
                raise InvalidURL("the server refers to an address that is not its own")
        return target

    def _ask(self, verb: str, ask: Callable[[], Response]) -> Response | None:
        """Ask once; None when it has to be asked again."""
        failure: RequestException | None = None
        try:
            answer = ask()
        except RequestException as problem:
            if may_repeat_failure(verb, problem) and self._patience.bear(type(problem).__name__):
                return None
            failure = type(problem)(self._server.hide(str(problem)))
        if failure is not None:
            raise failure  # without the context of the first one, whose request holds the token
        if answer.status_code == 429:
            if self._patience.obey(asked_pause(answer.headers)):
                return None
            raise RetryError("429 Too Many Requests")
        again = may_repeat_answer(verb, answer.status_code, answer.reason or "")
        if again and self._patience.bear(f"{answer.status_code} {answer.reason}"):
            return None
        if not again:
            self._patience.end()
        return self._clean(answer)

    def _check(self, url: str, parameters: object = None) -> None:
        """Refuse what only a server that misleads us can have asked for.

        Raises:
            InvalidURL: it is not the server's, or holds the token, which would be logged.
        """
        try:
            same = origin(url) == self._server.origin
        except ValueError:
            same = False
        if not same or self._server.tells_token(f"{url} {parameters}"):
            raise InvalidURL("the server refers to an address that is not its own")

    def _complete(self, verb: str, given: dict[str, Any]) -> None:
        """Set what holds for each request."""
        given["timeout"] = (_CONNECT_SECONDS, _SILENT_SECONDS)
        if given.get("auth") is None:
            given["auth"] = _as_it_is  # else the login of ~/.netrc would be sent
        if self._server.proxy:
            given["proxies"] = dict.fromkeys(("http", "https"), self._server.proxy)
        if verb.upper() not in {"GET", "HEAD"}:
            given["allow_redirects"] = False  # it would become a GET

    def _clean(self, answer: Response) -> Response:
        """Take the token out of what the server says in an answer that becomes an exception."""
        if answer.status_code >= 300:
            text = answer.content.decode("utf-8", "replace")
            hidden = self._server.hide(text)
            if hidden != text:
                # requests has no other way to change what was received
                answer._content = hidden.encode()  # noqa: SLF001
            answer.reason = self._server.hide(answer.reason or "")
        return answer


class _Adapter(HTTPAdapter):
    """Reads no answer that never ends."""

    def send(self, *args: Any, **given: Any) -> Response:
        """Send a request, and read the answer.

        Raises:
            RequestException: there is none, or not in time.
            EndlessError: it is too long.
        """
        try:
            with Deadline(_ANSWER_SECONDS) as _current.deadline:
                return _read(super().send(*args, **given))
        except TimeoutError as late:
            raise Timeout(str(late)) from None

    def get_connection_with_tls_context(self, *args: Any, **given: Any) -> HTTPConnectionPool:
        """Return a pool whose connections know the deadline."""
        pool = super().get_connection_with_tls_context(*args, **given)
        pool.ConnectionCls = _TlsConnection if pool.scheme == "https" else _Connection
        return pool


class _Current(threading.local):
    """What this thread waits for: connections are shared by threads, and used for many requests."""

    deadline: Deadline


_current = _Current()


class _Connection(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3 does
        _current.deadline.watch(self.sock)
        return super().getresponse()


class _TlsConnection(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3 does
        _current.deadline.watch(self.sock)
        return super().getresponse()


def _read(answer: Response) -> Response:
    read = bytearray()
    for piece in answer.iter_content(1024 * 1024):
        read += piece
        if len(read) > _MOST_BYTES:
            answer.close()
            raise EndlessError(f"an answer has more than {_MOST_BYTES} bytes")
    answer._content = bytes(read)  # noqa: SLF001 - as above
    return answer


def _as_it_is(request: PreparedRequest) -> PreparedRequest:
    return request


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()
