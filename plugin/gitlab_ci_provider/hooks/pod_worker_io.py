"""Answering what following a pod asks for, with blocking calls: in a worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.hooks.streams import Stream
from gitlab_ci_provider.model.workspace import BUILD_CONTAINER
from gitlab_ci_provider.pods.asking import (
    Answer,
    IsSilent,
    LogEnd,
    NextChunk,
    OpenLog,
    Pause,
    Request,
    Steps,
    Until,
)
from gitlab_ci_provider.pods.log_answers import log_query, may_change, stamped_lines

_CONNECT_SECONDS = 10


class TimeToLeave(Exception):  # noqa: N818 - nothing is wrong
    """The worker has stayed with the pod for as long as it should."""


@dataclass(slots=True, kw_only=True)
class WorkerIO:
    """Does what is asked for.

    Attributes:
        leave_at: when to leave the pod, by the monotonic clock.
        stay: is asked then; gives the seconds for which the worker has to stay nevertheless.
    """

    pod: PodWatch
    leave_at: float | None = None
    stay: Callable[[], float] = lambda: 0
    sleep: Callable[[float], object] = time.sleep
    _log: Stream | None = field(default=None, init=False)
    _silence: float = field(default=0, init=False)

    def perform(self, steps: Steps[Answer]) -> Answer:
        """Take the steps.

        Raises:
            TimeToLeave: the rest is for somebody else.
            SystemFailure: the pod was deleted.
        """
        answer: Any = None
        try:
            while True:
                answer = self._answer(steps.send(answer))
        except StopIteration as end:
            result: Answer = end.value
            return result
        finally:
            steps.close()
            self._hang_up()

    def _answer(self, request: Request) -> Any:
        left = self._left()
        match request:
            case Until():
                return self._wait(request, left)
            case OpenLog():
                self._open(request, left)
            case NextChunk():
                return self._chunk(left)
            case IsSilent():
                return self._is_silent(request.container)
            case Pause():
                self.sleep(min(request.seconds, left))
        return None

    def _left(self) -> float:
        """Return the seconds until the worker leaves."""
        left = float("inf") if self.leave_at is None else self.leave_at - time.monotonic()
        return left if left > 0 else self._stay_on()

    def _stay_on(self) -> float:
        """Stay if the pod cannot be left; returns the seconds until that is asked again."""
        seconds = self.stay()
        if seconds <= 0:
            raise TimeToLeave
        self.leave_at = time.monotonic() + seconds
        return seconds

    def _wait(self, request: Until, left: float) -> Any:
        end = time.monotonic() + request.seconds
        seconds = request.seconds
        while left < seconds:
            found = self.pod.until(request.condition, left)
            if found is not None:
                return found
            left, seconds = self._stay_on(), max(0, end - time.monotonic())
        return self.pod.until(request.condition, seconds)

    def _open(self, request: OpenLog, left: float) -> None:
        self._hang_up()
        self._silence = request.silence
        query = log_query(request.container, since=request.since, follow=True)
        try:
            self._log = Stream(ask_for_log(self.pod, query, min(request.silence, left)))
        except HTTPError:
            return
        except ApiException as problem:
            if not may_change(problem.status):
                raise

    def _chunk(self, left: float) -> bytes | LogEnd:
        if self._log is None:
            return "broken"
        end: LogEnd = "clean"
        try:
            chunk = self._log.chunk(min(self._silence, left))
        except TimeoutError:
            if left < self._silence:
                self._stay_on()
            chunk, end = None, "broken"
        except HTTPError:
            chunk, end = None, "broken"
        if chunk is None:
            self._hang_up()
            return end
        return chunk

    def _is_silent(self, container: str) -> bool:
        try:
            return not ask_for_log(self.pod, log_query(container)).data
        except (ApiException, HTTPError):
            return False

    def _hang_up(self) -> None:
        if self._log is not None:
            self._log.close()
        self._log = None


def ask_for_log(pod: PodWatch, query: list[tuple[str, str]], silence: float = 60) -> Any:
    """Ask for a log; the official client has no method with `sinceTime`."""
    return pod.client.api_client.call_api(
        "/api/v1/namespaces/{namespace}/pods/{name}/log",
        "GET",
        {"namespace": pod.namespace, "name": pod.name},
        query,
        {"Accept": "*/*"},
        auth_settings=["BearerToken"],
        _return_http_data_only=True,
        _preload_content=False,
        _request_timeout=(_CONNECT_SECONDS, silence),
    )


def early_words(pod: PodWatch) -> bytes:
    """Read what the build container has said by itself: why its shell, say, could not start.

    All that its scripts write goes to the helper.
    """
    try:
        answer = ask_for_log(pod, log_query(BUILD_CONTAINER, stamped=True))
        return stamped_lines(answer.data)
    except (ApiException, HTTPError):
        return b""
