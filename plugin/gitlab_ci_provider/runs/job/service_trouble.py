"""What a task does about services that die or never get ready: it names them and shows their logs.

The script's end decides about the job: a service that dies while the script runs is a warning, as
GitLab does not look at it either.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.pods.outcome import outcome
from gitlab_ci_provider.pods.service_states import (
    ServiceDeath,
    dead_before_script,
    dies_at_start,
    service_deaths,
)
from gitlab_ci_provider.pods.services import lacks_sidecars

_LINES = 40
"""Of a service's log, when it is in trouble."""

_LOOK_SECONDS = 2.0
"""How often to look at the services at most, while the job waits for them."""

NO_SIDECARS = (
    "this Kubernetes cannot run services: it drops `restartPolicy` of init containers. "
    "Services need Kubernetes 1.29, or 1.28 with the feature gate SidecarContainers"
)


def refuse_without_sidecars(created: k8s.V1Pod, wanted: k8s.V1Pod) -> None:
    """Fail a job whose services Kubernetes has taken for ordinary init containers.

    Raises:
        SystemFailure: Kubernetes has no sidecars.
    """
    if lacks_sidecars(created, wanted):
        raise SystemFailure(NO_SIDECARS, reason=FailureReason.RUNNER_UNSUPPORTED)


class ServiceTrouble:
    """Watches the services of one pod.

    Args:
        pod: where they are.
        services: names of their containers.
        write: takes what belongs into the job's log.
        clock: monotonic.
    """

    def __init__(
        self,
        pod: PodWatch,
        services: Collection[str],
        write: Callable[[bytes], object],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._pod = pod
        self._services = services
        self._write = write
        self._clock = clock
        self._looked = clock()
        self._told: dict[str, int] = {}

    def look(self) -> None:
        """Look again, unless that was done just now, whether a service that is waited for is dead.

        Raises:
            SystemFailure: one is, for the second time.
        """
        now = self._clock()
        if not self._services or now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        death = dead_before_script(self._pod.read(), self._services)
        if death is not None and death.times > 1:
            self._fail(death)

    def keeps_from_starting(self, pod: k8s.V1Pod) -> bool:
        """Tell whether the job cannot start because a service dies again and again."""
        return dies_at_start(pod, self._services) is not None

    def refuse_to_start(self, pod: k8s.V1Pod) -> None:
        """Fail the job that cannot start because of a service.

        Raises:
            SystemFailure: a service dies again and again.
        """
        if (death := dies_at_start(pod, self._services)) is not None:
            self._fail(death)

    def before_script(self, pod: k8s.V1Pod) -> None:
        """Fail the job when a service is dead as the script begins.

        Raises:
            SystemFailure: one is.
        """
        if (death := dead_before_script(pod, self._services)) is not None:
            self._fail(death)
        self.warn(pod)

    def warn(self, pod: k8s.V1Pod) -> None:
        """Tell of services that have died since the last time."""
        for death in service_deaths(pod, self._services):
            if self._told.get(death.name, 0) < death.times:
                self._told[death.name] = death.times
                after = "; Kubernetes has started it again" if death.again else ""
                self._say(f"\x1b[0;33mWARNING: {death.words}{after}.\x1b[0;m")
                self.show(death.name, previous=death.again)

    def at_end(self, pod: k8s.V1Pod) -> None:
        """Tell, once the job has ended, of services that have died, or never got ready."""
        self.warn(pod)
        failure = outcome(pod)
        for name in self._services:
            if failure.failure_reason and f"service {name} (" in failure.message:
                self.show(name)

    def show(self, name: str, *, previous: bool = False) -> None:
        """Show the end of a service's log."""
        lines = self._tail(name, previous=previous)
        self._say(f"The log of service {name}{_ends_with(lines)}")
        for line in lines:
            self._say(f"[service:{name}] {line}")

    def _fail(self, death: ServiceDeath) -> None:
        self.show(death.name)
        hint = "" if death.exit_code else ": a service has to keep running"
        raise SystemFailure(f"{death.words}{hint}")

    def _tail(self, name: str, *, previous: bool) -> list[str]:
        try:
            answer: Any = self._pod.client.read_namespaced_pod_log(
                self._pod.name,
                self._pod.namespace,
                container=name,
                tail_lines=_LINES,
                previous=previous,
                _preload_content=False,
            )
            text: str = answer.data.decode("utf-8", "replace")
        except (ApiException, HTTPError):
            return ["(not available)"]
        return text.splitlines()

    def _say(self, line: str) -> None:
        self._write(f"{line}\n".encode())


def _ends_with(lines: list[str]) -> str:
    if not lines:
        return " is empty."
    return f", its last {_LINES} lines:" if len(lines) == _LINES else ":"
