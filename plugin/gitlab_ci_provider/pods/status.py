"""Reading a pod's status: what its containers are doing, and what keeps it from starting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.workspace import BUILD_CONTAINER, HELPER_CONTAINER
from gitlab_ci_provider.pods.pulls import PULLING, is_final
from gitlab_ci_provider.pods.start_budget import wall_clock

Phase = Literal["waiting", "running", "terminated"]

_HOPELESS = {
    "InvalidImageName": FailureReason.IMAGE_PULL_FAILURE,
    "ErrImageNeverPull": FailureReason.IMAGE_PULL_FAILURE,
    "SignatureValidationFailed": FailureReason.IMAGE_PULL_FAILURE,
    "CreateContainerConfigError": FailureReason.RUNNER_SYSTEM_FAILURE,
    "CreateContainerError": FailureReason.RUNNER_SYSTEM_FAILURE,
    "RunContainerError": FailureReason.RUNNER_SYSTEM_FAILURE,
    "StartError": FailureReason.RUNNER_SYSTEM_FAILURE,
    "ContainerCannotRun": FailureReason.RUNNER_SYSTEM_FAILURE,
}
"""Reasons not to start that do not go away by themselves; the last two end the container, and its
helper would wait for it. Of images that cannot be pulled, the registry's words decide."""

_PULL_EVENT = 'Failed to pull image "'
"""Begins an event with the registry's words; the image's name and `": ` come before them."""

_BUSY = ("context deadline exceeded", "is reserved for", "context canceled")
"""In the message of a container that could not be made because the node is slow: it tries again."""


_OVERDUE_SECONDS = 120
"""For so long a node that lives may be late to end the containers of a pod that is deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """What one container does; `exit_code` and the times only once it has terminated."""

    phase: Phase
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    restarts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StartProblem:
    """Why a pod will never start; `container` is the one that cannot."""

    failure_reason: FailureReason
    message: str
    container: str = ""

    def because(self, said: Sequence[str]) -> str:
        """Return the message, with the newest earlier text that it does not contain.

        While the kubelet backs off from an image, it no longer repeats the registry's message.
        """
        words = said[-1] if said else ""
        told = words.removeprefix(_PULL_EVENT).partition('": ')[2] or words
        return self.message if told in self.message else f"{self.message}: {words}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingContainer:
    """A container that has not started, or could not be started, for a reason."""

    name: str
    image: str
    reason: str
    message: str

    @property
    def words(self) -> str:
        """What keeps it from starting, for a person."""
        said = self.message or self.reason
        return f"container '{self.name}' (image {self.image}): {self.reason}: {said}"


def waiting_containers(pod: k8s.V1Pod) -> list[WaitingContainer]:
    """List the containers that say why they do not run."""
    states = ((status, container_state(pod, status.name)) for status in _statuses(pod))
    return [
        WaitingContainer(
            name=status.name, image=status.image, reason=state.reason, message=state.message
        )
        for status, state in states
        if state.phase != "running" and state.reason
    ]


def container_state(pod: k8s.V1Pod, name: str) -> ContainerState:
    """Return what a container (init or not) does; one without a status waits."""
    status = next((container for container in _statuses(pod) if container.name == name), None)
    state = status.state if status is not None else None
    if state is None:
        return ContainerState(phase="waiting")
    restarts = (status.restart_count or 0) if status else 0
    if state.terminated is not None:
        return _terminated(state.terminated, restarts)
    if state.running is not None:
        return ContainerState(phase="running", restarts=restarts)
    waiting = state.waiting
    return ContainerState(
        phase="waiting",
        reason=(waiting.reason or "") if waiting else "",
        message=(waiting.message or "") if waiting else "",
        restarts=restarts,
    )


def start_problem(pod: k8s.V1Pod) -> StartProblem | None:
    """Return why the pod cannot start, when waiting longer is pointless."""
    for container in waiting_containers(pod):
        reason = _HOPELESS.get(container.reason)
        if container.reason in PULLING and is_final(container.message):
            reason = FailureReason.IMAGE_PULL_FAILURE
        if reason and not any(words in container.message for words in _BUSY):
            return StartProblem(
                failure_reason=reason, message=container.words, container=container.name
            )
    return None


def was_early(message: str, pod: str) -> bool:
    """Tell whether a warning only says that a pod was faster than its Secret, made after it."""
    return f'secret "{pod}" not found' in message


def pull_failures(events: Iterable[k8s.CoreV1Event]) -> list[str]:
    """List what registries have said about images, oldest first, from a pod's events."""
    said = (str(event.message or "") for event in events)
    return [message for message in said if message.startswith(_PULL_EVENT)]


def has_started(pod: k8s.V1Pod) -> bool:
    """Return whether a container has started, so that all volumes are there."""
    phases = (container_state(pod, status.name).phase for status in _statuses(pod))
    return has_ended(pod) or any(phase != "waiting" for phase in phases)


def has_ended(pod: k8s.V1Pod) -> bool:
    """Return whether the pod has come to its end, by itself or not."""
    return is_lost(pod) or bool(pod.status and pod.status.phase in {"Succeeded", "Failed"})


def is_lost(pod: k8s.V1Pod) -> bool:
    """Return whether the pod's node is gone for good: nobody will ever say how the pod has ended.

    The pod is being deleted, and the node's controller has marked it unready though its containers
    were fine when last heard of. Before that, the node may come back. A pod of which a container
    was not ready anyway shows no such mark: it is lost once the time is long over in which
    Kubernetes was to delete it.
    """
    due = pod.metadata.deletion_timestamp if pod.metadata else None
    if due is None or pod.status.phase not in {"Pending", "Running"}:
        return False
    ready, containers = condition(pod, "Ready"), condition(pod, "ContainersReady")
    marked = ready and ready.status == "False" and containers and containers.status == "True"
    return bool(marked) or wall_clock() > due.timestamp() + _OVERDUE_SECONDS


def condition(pod: k8s.V1Pod, kind: str) -> Any:
    """Find a condition of the pod; None when it has none of that kind."""
    conditions = (pod.status.conditions or []) if pod.status else []
    return next((condition for condition in conditions if condition.type == kind), None)


def why_pending(pod: k8s.V1Pod) -> str:
    """Return what the pod has been waiting for: a node, or its containers."""
    scheduled = condition(pod, "PodScheduled")
    if scheduled and scheduled.status != "True":
        return f"no node can run it: {scheduled.message or scheduled.reason}"
    waits = (container_state(pod, container.name) for container in _statuses(pod))
    said = next((state for state in waits if state.phase == "waiting" and state.reason), None)
    return f"{said.reason}: {said.message}".rstrip(": ") if said else "no container has started"


def still_runs(pod: k8s.V1Pod) -> bool:
    """Return whether a part of the job may still run in the pod, even while it is being deleted.

    Its containers end some time before the pod itself says so.
    """
    phases = {container_state(pod, name).phase for name in (BUILD_CONTAINER, HELPER_CONTAINER)}
    return not has_ended(pod) and phases != {"terminated"}


def has_lost_helper(pod: k8s.V1Pod) -> bool:
    """Return whether the helper has failed while the build runs: nobody saves its results."""
    build, helper = (container_state(pod, name) for name in (BUILD_CONTAINER, HELPER_CONTAINER))
    return build.phase == "running" and bool(helper.exit_code)


def _statuses(pod: k8s.V1Pod) -> list[Any]:
    status = pod.status
    if status is None:
        return []
    return [*(status.init_container_statuses or []), *(status.container_statuses or [])]


def _terminated(state: Any, restarts: int) -> ContainerState:
    return ContainerState(
        phase="terminated",
        reason=state.reason or "",
        message=state.message or "",
        exit_code=state.exit_code,
        started_at=state.started_at,
        finished_at=state.finished_at,
        restarts=restarts,
    )
