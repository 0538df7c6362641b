"""Watching one pod from a worker: a change is seen when it happens, not at the next poll.

One connection serves for as long as it lasts. Nobody reads it while the worker reads a log; what
has happened meanwhile waits in it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.hooks.outages import is_passing
from gitlab_ci_provider.hooks.streams import Lines, Stream
from gitlab_ci_provider.pods.asking import Condition
from gitlab_ci_provider.pods.seen import SeenPod, decode_event, decode_pod

_WATCH_SECONDS = 240
"""A watch is started again after this long; load balancers close silent connections."""

_PAUSE_SECONDS = 0.5
"""After a watch that broke: the next one may break as quickly."""

_EXPIRED = 410


@dataclass(slots=True, kw_only=True)
class PodWatch:
    """Watches one pod.

    Attributes:
        version: the pod's `resourceVersion` when it was created; empty if it may be older.
    """

    client: k8s.CoreV1Api
    name: str
    namespace: str
    version: str = ""
    _seen: SeenPod | None = field(default=None, init=False)
    _lines: Lines | None = field(default=None, init=False)

    def read(self) -> SeenPod:
        """Ask for the pod.

        Raises:
            SystemFailure: it is gone.
        """
        try:
            answer = self.client.read_namespaced_pod(
                self.name, self.namespace, _preload_content=False
            )
        except ApiException as problem:
            if problem.status == 404:
                raise self._gone() from problem
            raise
        return self._take(decode_pod(answer.data))

    def until(self, condition: Condition, seconds: float) -> SeenPod | None:
        """Wait until the condition holds; None when the time is up first.

        Raises:
            SystemFailure: the pod was deleted in the meantime.
        """
        end = time.monotonic() + seconds
        if seconds <= 0 or not self.version:
            self.read()
        while True:
            if self._seen is not None and condition(self._seen):
                return self._seen
            left = end - time.monotonic()
            if left <= 0:
                return None
            self._advance(left)

    def latest(self) -> SeenPod:
        """Return the pod as it was last seen."""
        return self._seen or self.read()

    def close(self) -> None:
        """Hang up."""
        if self._lines is not None:
            self._lines.close()
        self._lines = None

    def _advance(self, seconds: float) -> None:
        """Wait for the next news of the pod, but not for longer than this."""
        try:
            if self._lines is None:
                self._lines = self._open()
            line = self._lines.line(min(seconds, _WATCH_SECONDS))
        except TimeoutError:
            self.close()
        except HTTPError:
            self._begin_again()
        except ApiException as problem:
            if problem.status != _EXPIRED and not is_passing(problem):
                raise
            self._begin_again()
        else:
            self._take_line(line)

    def _open(self) -> Lines:
        response = self.client.list_namespaced_pod(
            self.namespace,
            field_selector=f"metadata.name={self.name}",
            resource_version=self.version,
            watch=True,
            timeout_seconds=_WATCH_SECONDS,
            _preload_content=False,
        )
        return Lines(Stream(response))

    def _take_line(self, line: bytes | None) -> None:
        event = decode_event(line) if line is not None else None
        if event is None or event.type == "ERROR":
            self._begin_again(0 if event is None else _PAUSE_SECONDS)
            return
        if event.type == "DELETED":
            raise self._gone()
        self._take(event.pod)

    def _begin_again(self, pause: float = _PAUSE_SECONDS) -> None:
        """Read the pod: what the next watch would continue from may be unknown, or too old."""
        self.close()
        time.sleep(pause)
        self.read()

    def _take(self, pod: SeenPod) -> SeenPod:
        self._seen, self.version = pod, pod.metadata.resource_version
        return pod

    def _gone(self) -> SystemFailure:
        message = f"pod {self.namespace}/{self.name} was deleted before it ended"
        return SystemFailure(message, reason=FailureReason.RUNNER_INTERRUPTED)
