"""Which requests are repeated, after which pauses."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import requests
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import MaxRetryError, NewConnectionError

from gitlab_ci_provider.gitlab_api.patience import (
    Patience,
    asked_pause,
    may_repeat_answer,
    may_repeat_failure,
)

DATE = "Mon, 05 Jan 2026 10:00:00 GMT"


@dataclass
class Clock:
    """Time that passes by sleeping."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def patience(self, seconds: float) -> Patience:
        log = logging.getLogger(__name__)
        return Patience(seconds, "https://x", log, self.sleep, lambda: self.now)


def test_pauses_grow_until_the_time_is_up():
    """Each is longer than the one before, up to half a minute; together they fill the time."""
    clock = Clock()
    patience = clock.patience(300)

    count = 0
    while patience.bear("503"):
        count += 1

    assert clock.now == pytest.approx(300)
    assert 10 < count < 40
    assert max(clock.pauses) <= 30


def test_an_answer_gives_the_whole_time_again():
    """What counts is the time without an answer."""
    clock = Clock()
    patience = clock.patience(10)
    while patience.bear("503"):
        pass

    patience.end()

    assert patience.bear("503")


def test_without_patience_nothing_is_repeated():
    """A person waits for the answer."""
    patience = Clock().patience(0)

    assert not patience.bear("503")
    assert not patience.obey(1)


def test_a_rate_limit_is_obeyed_and_not_counted_as_silence():
    """GitLab may ask for more than the time for silence; for hours it may not."""
    clock = Clock()
    patience = clock.patience(10)

    assert [patience.obey(60) for _ in range(3)] == [True, True, True]
    assert clock.now >= 180
    assert patience.bear("502")
    assert not patience.obey(4000)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"RateLimit-Reset": "1767607230", "Date": DATE}, 30),
        ({"Retry-After": "7", "RateLimit-Reset": "1767607230", "Date": DATE}, 7),
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"RateLimit-Reset": "soon", "Date": DATE}, None),
        ({"RateLimit-Reset": "1767607230", "Date": "now"}, None),
    ],
)
def test_the_pause_that_an_answer_asks_for(headers: Mapping[str, str], seconds: float | None):
    """By Retry-After, else until the limit is reset by the server's own clock."""
    assert asked_pause(headers) == seconds


@pytest.mark.parametrize(
    ("method", "status", "reason", "again"),
    [
        ("GET", 500, "", True),
        ("put", 503, "", True),
        ("POST", 500, "", False),
        ("POST", 409, "Conflict: Resource lock", True),
        ("POST", 409, "Conflict", False),
        ("GET", 404, "", False),
        ("GET", 200, "", False),
    ],
)
def test_answers_after_which_a_request_is_repeated(
    method: str, status: int, reason: str, again: bool
):
    """What may have created something is not sent twice."""
    assert may_repeat_answer(method, status, reason) is again


def refused() -> requests.ConnectionError:
    """What requests makes of a port at which nobody listens."""
    cause = NewConnectionError(HTTPConnection("x"), "refused")
    return requests.ConnectionError(MaxRetryError(HTTPConnectionPool("x"), "/", cause))


@pytest.mark.parametrize(
    ("problem", "get", "post"),
    [
        (refused(), True, True),
        (requests.ConnectTimeout("late"), True, True),
        (requests.ReadTimeout("silent"), True, False),
        (requests.ConnectionError("reset"), True, False),
        (requests.exceptions.ChunkedEncodingError("cut"), True, False),
        (requests.exceptions.SSLError("EOF occurred"), True, False),
        (requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED"), False, False),
        (requests.exceptions.InvalidURL("x"), False, False),
    ],
)
def test_failures_after_which_a_request_is_repeated(
    problem: requests.RequestException, get: bool, post: bool
):
    """One that was never sent is repeated whatever it is; a wrong certificate stays wrong."""
    assert (may_repeat_failure("GET", problem), may_repeat_failure("POST", problem)) == (get, post)
