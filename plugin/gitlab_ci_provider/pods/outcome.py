"""How a job ended, read from its pod's last status; pure, so recordings are tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.job_artifacts import ArtifactReport, JobArtifact
from gitlab_ci_provider.model.termination_message import TerminationMessage, decode_message
from gitlab_ci_provider.model.workspace import (
    BUILD_CONTAINER,
    HELPER_CONTAINER,
    HOOK_CONTAINER,
    OUT_OF_MEMORY,
    PREPARE_CONTAINER,
    SCRIPT_TIMEOUT,
)
from gitlab_ci_provider.pods.status import ContainerState, condition, container_state, is_lost

_POD_REASONS: Mapping[str, tuple[FailureReason, str]] = {
    "DeadlineExceeded": (FailureReason.JOB_EXECUTION_TIMEOUT, "the pod ran past its deadline"),
    "Evicted": (FailureReason.RUNNER_INTERRUPTED, "the pod was evicted"),
    "NodeLost": (FailureReason.RUNNER_INTERRUPTED, "the node was lost"),
    "NodeShutdown": (FailureReason.RUNNER_INTERRUPTED, "the node was shut down"),
    "Terminated": (FailureReason.RUNNER_INTERRUPTED, "the node was shut down"),
    "Preempting": (FailureReason.RUNNER_INTERRUPTED, "the pod was preempted"),
}
"""What the kubelet says of a whole pod. Any other reason is a refusal to run it, as OutOfcpu."""

_UNKNOWN = frozenset({"Unknown", "ContainerStatusUnknown"})
"""Reasons of an end that nobody has seen, with a made-up exit code: containerd's (255) when the
node has restarted, and the kubelet's (137) when the runtime knows no such container anymore."""

_KILLED = 137
"""Exit code after SIGKILL, which the script cannot see coming."""

_BROKEN_PIPE = 141
"""Exit code of a script that writes after the helper is gone."""

_LONGEST_WORDS = 100

_OWN_FAULT = "exceed"
"""In the message of an eviction: the job used too much storage, and would again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a pod ended.

    Attributes:
        failure_reason: None when the job succeeded.
        message: what happened, for a person; the cause is kept after the pod is gone.
        artifacts, reports: what the job left in the object store.
        left_out: how many more it left there that its message had no room for.
    """

    failure_reason: FailureReason | None = None
    exit_code: int | None = None
    message: str = ""
    artifacts: tuple[JobArtifact, ...] = ()
    reports: tuple[ArtifactReport, ...] = ()
    left_out: int = 0


def outcome(pod: k8s.V1Pod) -> Outcome:
    """Read the outcome; the first that applies: success, the pod's own end, the containers'.

    Success is first: a job may end well while its pod is being evicted.
    """
    prepare = container_state(pod, PREPARE_CONTAINER)
    build = container_state(pod, BUILD_CONTAINER)
    helper = container_state(pod, HELPER_CONTAINER)
    if (prepare.exit_code, build.exit_code, helper.exit_code) == (0, 0, 0):
        return _with_left(Outcome(exit_code=0), helper)
    taken = _taken_away(pod)
    if taken is not None:
        return _with_left(taken, helper)
    hook = container_state(pod, HOOK_CONTAINER)
    if hook.exit_code:
        return _helper_failed("hook", hook)
    if prepare.exit_code != 0:
        return _helper_failed("prepare", prepare)
    if build.exit_code != 0:
        return _with_left(_build_failed(build, helper), helper)
    return _helper_failed("helper", helper)


def lines_written(pod: k8s.V1Pod, container: str) -> int | None:
    """Read how many lines a helper container has written into its log; None if unknown."""
    return _told(container_state(pod, container)).lines


def _taken_away(pod: k8s.V1Pod) -> Outcome | None:
    """Return why the pod ended whatever its containers did; None when it did not."""
    reason, said = pod.status.reason or "", pod.status.message or ""
    if reason == "Evicted" and _OWN_FAULT in said:
        return _system(f"the pod was evicted: {said}")
    if reason in _POD_REASONS:
        failure, words = _POD_REASONS[reason]
        return Outcome(failure_reason=failure, message=f"{words}: {said or reason}")
    words = _interruption(pod)
    return (
        Outcome(failure_reason=FailureReason.RUNNER_INTERRUPTED, message=words) if words else None
    )


def _interruption(pod: k8s.V1Pod) -> str:
    """Describe who removed the pod; empty when nobody did."""
    disruption = condition(pod, "DisruptionTarget")
    if disruption is not None and disruption.status == "True":
        return f"the pod was disrupted: {disruption.message or disruption.reason}"
    if is_lost(pod):
        return "the node was lost"
    if pod.metadata and pod.metadata.deletion_timestamp:
        return "the pod was deleted before it ended"
    if pod.status.reason:
        return f"the node refused the pod: {pod.status.reason}: {pod.status.message}"
    return _lost_container(pod)


def _lost_container(pod: k8s.V1Pod) -> str:
    """Name the first container whose end nobody has seen; empty when one has failed before it."""
    for name in (HOOK_CONTAINER, PREPARE_CONTAINER, BUILD_CONTAINER, HELPER_CONTAINER):
        state = container_state(pod, name)
        if state.reason in _UNKNOWN:
            said = f": {state.message}" if state.message else ""
            return f"the node has lost the {name} container, as when it restarts{said}"
        if state.exit_code:
            break
    return ""


def _build_failed(build: ContainerState, helper: ContainerState) -> Outcome:
    if _helper_was_first(build, helper):
        return _helper_died(build, helper)
    if build.exit_code is None:
        return _system(f"the build container did not end: {build.reason or build.phase}")
    if build.reason in {"StartError", "ContainerCannotRun"}:
        return _system(f"the build container could not start: {build.message or build.reason}")
    if build.message.startswith(SCRIPT_TIMEOUT):
        return Outcome(
            failure_reason=FailureReason.JOB_EXECUTION_TIMEOUT, message=_one_line(build.message)
        )
    return Outcome(
        failure_reason=FailureReason.SCRIPT_FAILURE,
        exit_code=build.exit_code,
        message=_script_failure(build),
    )


def _script_failure(build: ContainerState) -> str:
    """Say how a script failed; out of memory is named even if only the kernel knows it."""
    code = f"exit code {build.exit_code}"
    if build.message.startswith(OUT_OF_MEMORY):
        return f"{_one_line(build.message)}, {code}"
    if build.reason == "OOMKilled":
        return f"{OUT_OF_MEMORY}the build container was killed (OOMKilled), {code}"
    return _code(build.exit_code)


def _code(code: int | None) -> str:
    """Show an exit code; a kill that nobody explains is named."""
    return f"exit code {code}{': something killed it (SIGKILL)' if code == _KILLED else ''}"


def _one_line(said: str) -> str:
    """Shorten text that the job may have written."""
    return said.partition("\n")[0][:_LONGEST_WORDS]


def _helper_failed(container: str, state: ContainerState) -> Outcome:
    told = _told(state)
    said = told.message or state.message or _killed_for_memory(state) or _without_words(state)
    return Outcome(
        failure_reason=told.reason or FailureReason.RUNNER_SYSTEM_FAILURE,
        message=f"{told.phase or container}: {said}",
    )


def _without_words(state: ContainerState) -> str:
    """Say how a container of ours ended that could leave no message."""
    said = state.reason or state.phase
    return f"{said}, {_code(state.exit_code)}" if state.exit_code else said


def _helper_was_first(build: ContainerState, helper: ContainerState) -> bool:
    """Return whether the helper died under a running script, which can then write no more."""
    if not helper.exit_code or build.exit_code == 0:
        return False
    if build.exit_code is None:
        return build.phase == "running"
    if decode_message(helper.message) or not (helper.finished_at and build.finished_at):
        return False  # it ended by itself, and only once the script had
    same_second = helper.finished_at == build.finished_at
    return helper.finished_at < build.finished_at or (
        same_second and build.exit_code == _BROKEN_PIPE
    )


def _helper_died(build: ContainerState, helper: ContainerState) -> Outcome:
    told = _told(helper).message or helper.message
    said = told or _killed_for_memory(helper) or _without_words(helper)
    after = "" if build.exit_code is None else f"; the script then ended with {build.exit_code}"
    return _system(f"the helper container died while the script was running: {said}{after}")


def _killed_for_memory(state: ContainerState) -> str:
    """Say that a container of ours had too little memory; empty when it had enough."""
    return f"{OUT_OF_MEMORY}the container was killed (OOMKilled)" * (state.reason == "OOMKilled")


def _system(message: str) -> Outcome:
    return Outcome(failure_reason=FailureReason.RUNNER_SYSTEM_FAILURE, message=message)


def _with_left(end: Outcome, helper: ContainerState) -> Outcome:
    """Add what the job left in the object store."""
    told = _told(helper)
    return replace(end, artifacts=told.artifacts, reports=told.reports, left_out=told.left_out)


def _told(state: ContainerState) -> TerminationMessage:
    return decode_message(state.message) or TerminationMessage()
