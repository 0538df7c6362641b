"""How long Kubernetes may be silent."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from gitlab_ci_provider.hooks import outages as patience
from gitlab_ci_provider.hooks.outages import Patience, is_passing, say
from gitlab_ci_provider.settings import Settings

LOG = logging.getLogger(__name__)
AWAY = ProtocolError("connection reset")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Time that passes only while somebody sleeps."""
    clock = SimpleNamespace(now=1000.0, pauses=[])

    def sleep(seconds: float) -> None:
        clock.pauses.append(seconds)
        clock.now += seconds

    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=lambda: clock.now, sleep=sleep))
    return clock


def bear_on(bearing: Patience) -> None:
    while True:
        bearing.bear(AWAY)


def test_two_minutes_are_borne_and_ten_are_not(clock: SimpleNamespace, tmp_path: Path):
    """By default, a call that is not answered is made for ten minutes; pauses stay short."""
    bearing = Patience(Settings(home=tmp_path).kubernetes_outage, LOG)
    while clock.now < 1000 + 120:
        bearing.bear(AWAY)
    with pytest.raises(ProtocolError):
        bear_on(bearing)

    assert clock.now == 1000 + 600
    assert max(clock.pauses) <= 15


def test_an_answer_ends_the_wait(clock: SimpleNamespace):
    """The next outage is a new one."""
    bearing = Patience(60, LOG)
    for _ in range(10):
        bearing.bear(AWAY)
        bearing.bear(AWAY)
        bearing.end()

    assert sum(clock.pauses) < 60


def test_the_server_says_when_to_come_back(clock: SimpleNamespace):
    """`Retry-After` is honoured, an absurd one is not."""
    busy = ApiException(status=429, reason="Too Many Requests")
    for text in ("7", "100000"):
        busy.headers = {"Retry-After": text}
        Patience(600, LOG).bear(busy)

    assert clock.pauses == [7, 60]


def refusal(status: int = 403, why: str = "") -> ApiException:
    """Make the answer of an API server that does not allow a request."""
    problem = ApiException(status=status)
    problem.body = json.dumps({"message": f'pods "x" is forbidden: User "y" cannot get{why}'})
    return problem


NO_ROLE = ' resource "pods": RBAC: role.rbac.authorization.k8s.io "gitlab-ci-airflow" not found'
"""As Kubernetes 1.20 has answered in its first second."""


@pytest.mark.parametrize("status", [401, 403])
def test_an_api_server_that_has_just_started_may_refuse(clock: SimpleNamespace, status: int):
    """For a minute after an outage: it has yet to read accounts and roles."""
    bearing = Patience(600, LOG)
    bearing.bear(AWAY)
    asked = 0
    while bearing.may_settle(refusal(status)):
        bearing.bear(refusal(status))
        asked += 1

    assert asked > 1
    assert patience.SETTLING_SECONDS <= clock.now - 1000 < 2 * patience.SETTLING_SECONDS


def test_a_role_that_is_not_known_may_be_known_soon(clock: SimpleNamespace):
    """Another client has seen the outage; whoever starts now has not."""
    bearing = Patience(600, LOG)

    assert bearing.may_settle(refusal(why=NO_ROLE))
    clock.now += patience.SETTLING_SECONDS
    assert not bearing.may_settle(refusal(why=NO_ROLE))


def test_what_admission_refuses_is_not_asked_for_again(clock: SimpleNamespace):
    """Nor after an outage: a quota, say, has its own way of waiting."""
    bearing = Patience(600, LOG)
    bearing.bear(AWAY)
    full = ApiException(status=403)
    full.body = json.dumps({"message": 'pods "x" is forbidden: exceeded quota: jobs'})

    assert not bearing.may_settle(full)


@pytest.mark.parametrize("problem", [refusal(), refusal(401), ApiException(status=404), AWAY])
def test_a_refusal_without_an_outage_stays(problem: Exception):
    """Nobody has to wait for what is not allowed."""
    assert not Patience(600, LOG).may_settle(problem)


@pytest.mark.parametrize("status", [0, 408, 429, 500, 502, 503, 504])
def test_answers_that_blame_the_moment_pass(status: int):
    """They say nothing about what was asked for."""
    assert is_passing(ApiException(status=status))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422])
def test_answers_that_blame_the_request_do_not_pass(status: int):
    """Asking again would be answered alike."""
    assert not is_passing(ApiException(status=status))


def test_an_object_that_is_too_large_stays_so():
    """Kubernetes answers 500 to it, as if it were out of order."""
    problem = ApiException(status=500)
    problem.body = '{"message": "etcdserver: request is too large"}'

    assert not is_passing(problem)


def test_problems_are_said_in_a_few_words():
    """Without the address, the library's own words for objects, and headers."""
    nobody: Any = SimpleNamespace(host="h")
    refused = NewConnectionError(nobody, "Connection refused")
    error = MaxRetryError(nobody, "/api", refused)
    status = ApiException(status=403, reason="Forbidden")
    status.body = '{"message": "exceeded quota"}'

    assert say(error).endswith("Connection refused")
    assert "0x" not in say(error)
    assert say(status) == "403 Forbidden: exceeded quota"
