"""A Kubernetes client that survives outages: requests without an answer are repeated for minutes.

The transport repeats them, so this holds for every call, including those of Airflow's own pod
operator. Repeating is safe: pods and Secrets have names that tell whose they are, see
`runs/job/objects.py`.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from kubernetes.client.rest import RESTClientObject
from urllib3 import Retry
from urllib3.exceptions import HTTPError, ReadTimeoutError

from gitlab_ci_provider.model.log import Log

_ONCE = Retry(total=None, connect=0, read=0, redirect=3, other=0)
"""urllib3 would repeat a request three times at once, with a warning each time."""

_PASSING = frozenset({0, 408, 429, 500, 502, 503, 504})
"""0 is a broken TLS connection. 409 is not included: the caller has to look at what exists."""

_FOR_GOOD = "etcdserver: request is too large"
"""An answer 500 that stays: Kubernetes has no better one for an object that does not fit."""

SETTLING_SECONDS = 60.0
"""For so long an API server that has just started may refuse what it allows: it knows the accounts
and roles only when it has read them, and answers 401 or 403 until then."""

_NOT_ALLOWED = '" cannot '
"""Follows the name of the account in the message of a refusal."""

_NO_ROLE = 'role.rbac.authorization.k8s.io "'
"""In the message of a refusal: a role that is bound to the account is not known (yet)."""

AWAY = "Kubernetes does not answer (%s); asking again for %.0f s"
BACK = "Kubernetes answers again after %.0f s"

_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 15.0
_MESSAGE_MAX = 1000
_CONNECT_SECONDS, _ANSWER_SECONDS = 10, 60


@dataclass(slots=True)
class Patience:
    """How long to tolerate that Kubernetes does not answer; shared by all calls of a client.

    Attributes:
        seconds: from the first call that was not answered; after that each call is made once.
    """

    seconds: float
    log: Log
    _since: float | None = field(default=None)
    _pause: float = field(default=_FIRST_SECONDS)
    _refused: float | None = field(default=None)

    def may_settle(self, problem: BaseException) -> bool:
        """Tell whether a refusal may be one of an API server that has just started."""
        if not is_refusal(problem) or (self._since is None and not _knows_no_role(problem)):
            return False
        now = time.monotonic()
        self._refused = now if self._refused is None else self._refused
        return now - self._refused < SETTLING_SECONDS

    def bear(self, problem: ApiException | HTTPError) -> None:
        """Wait a little before the next attempt.

        Raises:
            ApiException, HTTPError: the problem, when the time is up.
        """
        if not self.seconds:
            raise problem
        now = time.monotonic()
        if self._since is None:
            self._since = now
            self.log.warning(AWAY, say(problem), self.seconds)
        left = self._since + self.seconds - now
        if left <= 0:
            raise problem
        # Spread, so that many jobs do not come back at the same time.
        pause = max(self._pause * random.uniform(0.5, 1), _asked_pause(problem))  # noqa: S311
        self._pause = min(self._pause * 2, _LONGEST_SECONDS)
        time.sleep(min(pause, left))

    def end(self) -> None:
        """Note that Kubernetes has answered."""
        if self._since is not None:
            self.log.info(BACK, time.monotonic() - self._since)
        self._since, self._pause, self._refused = None, _FIRST_SECONDS, None


class PatientRest(RESTClientObject):
    """Kubernetes' transport: repeats requests, and no call hangs forever."""

    def __init__(self, configuration: k8s.Configuration, patience: Patience):
        super().__init__(configuration)
        self._patience = patience

    def request(self, method: str, url: str, **given: Any) -> Any:
        """Ask until there is an answer.

        The reader of a log judges the answers to its requests itself: the node may be lost for
        good, and a log in which nothing is written yet is silent.
        """
        whole = given.get("_preload_content", True)
        given["_request_timeout"] = given.get("_request_timeout") or (
            _CONNECT_SECONDS,
            _ANSWER_SECONDS if whole else None,
        )
        while True:
            try:
                answer = super().request(method, url, **given)
            except (ApiException, HTTPError) as problem:
                judged = url.endswith("/log") and (_is_answer(problem) or _is_silence(problem))
                passing = is_passing(problem) and not judged
                if not passing and not self._patience.may_settle(problem):
                    self._patience.end()
                    raise
                self._patience.bear(problem)
            else:
                self._patience.end()
                return answer


def patient(client: k8s.CoreV1Api, seconds: float, log: Log) -> k8s.CoreV1Api:
    """Make a client survive outages of so many seconds."""
    api = client.api_client
    api.configuration.retries = _ONCE
    api.rest_client = PatientRest(api.configuration, Patience(seconds, log))
    return client


def is_passing(problem: BaseException) -> bool:
    """Return whether repeating may help: nobody answered, or the problem is temporary."""
    if isinstance(problem, ApiException):
        return problem.status in _PASSING and _FOR_GOOD not in _message(problem)
    return isinstance(problem, HTTPError)


def is_refusal(problem: BaseException) -> bool:
    """Return whether Kubernetes says that the account is unknown, or has no role for this.

    Quotas, policies and webhooks refuse with 403, too, but not in these words.
    """
    if not isinstance(problem, ApiException):
        return False
    return problem.status == 401 or (problem.status == 403 and _NOT_ALLOWED in _message(problem))


def say(problem: BaseException) -> str:
    """Describe the problem briefly, in Kubernetes' own words where possible."""
    if isinstance(problem, ApiException):
        return f"{problem.status or 'TLS'} {problem.reason}: {_message(problem)}".rstrip(": ")
    reason = getattr(problem, "reason", None) or problem
    return str(reason).rpartition(">: ")[2] or type(reason).__name__


def _message(problem: ApiException) -> str:
    try:
        return str(json.loads(problem.body or "").get("message", ""))[:_MESSAGE_MAX]
    except (ValueError, AttributeError):
        return str(problem.body or "")[:_MESSAGE_MAX]


def _knows_no_role(problem: BaseException) -> bool:
    return isinstance(problem, ApiException) and _NO_ROLE in _message(problem)


def _is_answer(problem: BaseException) -> bool:
    return isinstance(problem, ApiException) and bool(problem.status)


def _is_silence(problem: BaseException) -> bool:
    """Return whether the server took the request and then said nothing for too long."""
    return isinstance(getattr(problem, "reason", problem), ReadTimeoutError)


def _asked_pause(problem: BaseException) -> float:
    """Read `Retry-After`, at most a minute."""
    headers = getattr(problem, "headers", None) or {}
    text = str(headers.get("Retry-After", ""))
    return min(float(text), 60.0) if text.isdigit() else 0.0
