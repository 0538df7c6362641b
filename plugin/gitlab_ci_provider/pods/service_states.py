"""Services that have died, read from a pod's status; pure.

Kubernetes starts a sidecar that ends again, at once the first time, then ever later. Once the job
has ended, it ends the services: that is no death.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from kubernetes import client as k8s

from gitlab_ci_provider.model.workspace import (
    HELPER_CONTAINER,
    HOOK_CONTAINER,
    PREPARE_CONTAINER,
)
from gitlab_ci_provider.pods.status import container_state


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDeath:
    """How a service has ended though the job had not.

    Attributes:
        times: how often.
        again: it runs now, having been started again.
    """

    name: str
    image: str
    exit_code: int
    reason: str
    message: str
    times: int
    again: bool

    @property
    def words(self) -> str:
        """What happened, for a person."""
        killed = " (out of memory)" if self.reason == "OOMKilled" else ""
        said = f": {self.message}" if self.reason in _NOT_STARTED and self.message else ""
        often = f" {self.times} times, at last" if self.times > 1 else ""
        end = f"has ended{often} with exit code {self.exit_code}{killed}{said}"
        return f"service {self.name} ({self.image}) {end}"


_NOT_STARTED = frozenset({"StartError", "ContainerCannotRun"})

_TOLD_TO_END = frozenset({0, 137, 143})
"""Exit codes of servers that were told to end: with success, or by SIGKILL or SIGTERM."""


def service_deaths(pod: k8s.V1Pod, services: Collection[str]) -> list[ServiceDeath]:
    """List the services of a pod, given their names, that have died while its job had not ended."""
    statuses = (pod.status.init_container_statuses or ()) if pod.status else ()
    found = (_death(pod, status) for status in statuses if status.name in services)
    return [death for death in found if death is not None]


def dies_at_start(pod: k8s.V1Pod, services: Collection[str]) -> ServiceDeath | None:
    """Find a service that keeps the job from starting: it has died again after a second start.

    Until it has been seen running, the containers after it are not started.
    """
    if not services or container_state(pod, PREPARE_CONTAINER).phase != "waiting":
        return None
    return next((death for death in _dead(pod, services) if death.times > 1), None)


def dead_before_script(pod: k8s.V1Pod, services: Collection[str]) -> ServiceDeath | None:
    """Find a service that has failed and does not run: the script would not find it.

    One that has ended with success may have been meant to run once.
    """
    return next((death for death in _dead(pod, services) if death.exit_code), None)


def _dead(pod: k8s.V1Pod, services: Collection[str]) -> Iterator[ServiceDeath]:
    return (death for death in service_deaths(pod, services) if not death.again)


def _death(pod: k8s.V1Pod, status: Any) -> ServiceDeath | None:
    state, last = status.state, status.last_state
    now = state.terminated if state else None
    if now is not None and _ended_by_kubernetes(pod, now):
        now = None
    ended = now or (last.terminated if last else None)
    if ended is None:
        return None
    return ServiceDeath(
        name=status.name,
        image=status.image,
        exit_code=ended.exit_code,
        reason=ended.reason or "",
        message=ended.message or "",
        times=(status.restart_count or 0) + (now is not None or bool(state and state.waiting)),
        again=bool(state and state.running),
    )


def _ended_by_kubernetes(pod: k8s.V1Pod, ended: Any) -> bool:
    """Tell whether a service has ended because its pod has, or after the job's own containers.

    Times are whole seconds: when both end in the same one, the exit code tells.
    """
    if pod.status.reason or (pod.metadata and pod.metadata.deletion_timestamp):
        return True
    before = (container_state(pod, name) for name in (HOOK_CONTAINER, PREPARE_CONTAINER))
    failed = next((state for state in before if state.exit_code), None)
    over = (failed or container_state(pod, HELPER_CONTAINER)).finished_at
    if not (over and ended.finished_at):
        return False
    with_it: bool = ended.finished_at == over and ended.exit_code in _TOLD_TO_END
    return with_it or bool(ended.finished_at > over)
