"""Waiting for a pod by watching it: a change is seen when it happens, not at the next poll."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from kubernetes import client as k8s
from kubernetes import watch
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.hooks.outages import is_passing

Condition = Callable[[k8s.V1Pod], bool]

_WATCH_SECONDS = 240
"""A watch is started again after this long; load balancers close silent connections."""

_PAUSE_SECONDS = 0.5
"""After a watch that broke: the next one may break as quickly."""

_EXPIRED = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class PodWatch:
    """Watches one pod."""

    client: k8s.CoreV1Api
    name: str
    namespace: str

    def read(self) -> k8s.V1Pod:
        """Read the pod.

        Raises:
            SystemFailure: it is gone.
        """
        try:
            return self.client.read_namespaced_pod(self.name, self.namespace)
        except ApiException as problem:
            if problem.status == 404:
                raise self._gone() from problem
            raise

    def until(self, condition: Condition, seconds: float) -> k8s.V1Pod | None:
        """Wait until the condition holds; None when the time is up first.

        Raises:
            SystemFailure: the pod was deleted meanwhile.
        """
        end = time.monotonic() + seconds
        while True:
            pod = self.read()
            if condition(pod):
                return pod
            left = end - time.monotonic()
            if left <= 0:
                return None
            found = self._watch(condition, pod.metadata.resource_version, left)
            if found is not None:
                return found

    def _watch(self, condition: Condition, version: str, seconds: float) -> k8s.V1Pod | None:
        stream = watch.Watch().stream(
            self.client.list_namespaced_pod,
            self.namespace,
            field_selector=f"metadata.name={self.name}",
            resource_version=version,
            timeout_seconds=max(1, int(min(seconds, _WATCH_SECONDS))),
        )
        try:
            for event in stream:
                if event["type"] == "DELETED":
                    raise self._gone()
                if condition(event["object"]):
                    return event["object"]
        except HTTPError:
            time.sleep(_PAUSE_SECONDS)
        except ApiException as problem:
            if problem.status != _EXPIRED and not is_passing(problem):
                raise
            time.sleep(_PAUSE_SECONDS)
        return None

    def _gone(self) -> SystemFailure:
        message = f"pod {self.namespace}/{self.name} was deleted before it ended"
        return SystemFailure(message, reason=FailureReason.RUNNER_INTERRUPTED)
