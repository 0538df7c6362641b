"""What a task does about services that die or never get ready: it names them and shows their logs.

The script's end decides about the job: a service that dies while the script runs is a warning, as
GitLab does not look at it either.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.hooks.log_tail import log_tail
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.pods.outcome import outcome
from gitlab_ci_provider.pods.service_states import ServiceDeath, service_deaths
from gitlab_ci_provider.pods.services import lacks_sidecars

_LINES = 40
"""Of a service's log, when it is in trouble."""

_UNFOLD = b"section_end:%d:wait_for_services\r\x1b[0K\n"
"""What explains a failure is not hidden in a section that is folded."""

_NO_SIDECARS = (
    "this Kubernetes cannot run services: it drops `restartPolicy` of init containers. "
    "Services need Kubernetes 1.29, or 1.28 with the feature gate SidecarContainers"
)


def refuse_without_sidecars(created: k8s.V1Pod, wanted: k8s.V1Pod) -> None:
    """Fail a job whose services Kubernetes has taken for ordinary init containers.

    Raises:
        SystemFailure: Kubernetes has no sidecars.
    """
    if lacks_sidecars(created, wanted):
        raise SystemFailure(_NO_SIDECARS, reason=FailureReason.RUNNER_UNSUPPORTED)


class ServiceTrouble:
    """Tells of the services of one pod.

    Args:
        pod: where they are.
        services: names of their containers.
        write: takes what belongs into the job's log.
    """

    def __init__(self, pod: PodWatch, services: Collection[str], write: Callable[[bytes], object]):
        self._pod = pod
        self._services = services
        self._write = write

    def refuse(self, death: ServiceDeath) -> None:
        """Fail a job that cannot do without a service.

        Raises:
            SystemFailure: always; the end of the service's log is in that of the job.
        """
        self._write(_UNFOLD % int(time.clock_gettime(time.CLOCK_REALTIME)))
        self._show(death.name)
        hint = "" if death.exit_code else ": a service has to keep running"
        raise SystemFailure(f"{death.words}{hint}")

    def at_end(self, pod: k8s.V1Pod) -> None:
        """Tell, once the job has ended, of services that have died, or never got ready."""
        for death in service_deaths(pod, self._services):
            after = "; Kubernetes has started it again" if death.again else ""
            self._say(f"\x1b[0;33mWARNING: {death.words}{after}.\x1b[0;m")
            self._show(death.name, previous=death.again)
        failure = outcome(pod)
        for name in self._services:
            if failure.failure_reason and f"service {name} (" in failure.message:
                self._show(name)

    def _show(self, name: str, *, previous: bool = False) -> None:
        lines = self._tail(name, previous=previous)
        self._say(f"The log of service {name}{_introduction(lines)}")
        for line in lines:
            self._say(f"[service:{name}] {line}")

    def _tail(self, name: str, *, previous: bool) -> list[str]:
        try:
            pod = (self._pod.name, self._pod.namespace)
            data = log_tail(self._pod.client, pod, name, _LINES, previous=previous)
        except (ApiException, HTTPError):
            return ["(not available)"]
        return data.decode("utf-8", "replace").splitlines()

    def _say(self, line: str) -> None:
        self._write(f"{line}\n".encode())


def _introduction(lines: list[str]) -> str:
    if not lines:
        return " is empty."
    return f", its last {_LINES} lines:" if len(lines) == _LINES else ":"
