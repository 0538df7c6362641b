"""What became of a job, read from its pod's last status; pure, so recorded deaths are tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from kubernetes import client as k8s

from gitlab_ci_provider.model.reports import JobReport
from gitlab_ci_provider.model.run import JobArtifact
from gitlab_ci_provider.model.workspace import (
    BUILD_CONTAINER,
    HELPER_CONTAINER,
    PREPARE_CONTAINER,
)
from gitlab_ci_provider.pods.status import ContainerState, container_state

_POD_REASONS: Mapping[str, tuple[str, str]] = {
    "Evicted": ("runner_system_failure", "the pod was evicted"),
    "DeadlineExceeded": ("job_execution_timeout", "the pod ran past its deadline"),
    "NodeLost": ("runner_system_failure", "the node was lost"),
    "NodeShutdown": ("runner_system_failure", "the node was shut down"),
    "Preempting": ("runner_system_failure", "the pod was preempted"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a pod ended.

    Attributes:
        failure_reason: GitLab's; None when the job succeeded.
        message: what happened, for a person; the cause is kept after the pod is gone.
    """

    failure_reason: str | None = None
    exit_code: int | None = None
    message: str = ""
    artifacts: tuple[JobArtifact, ...] = ()
    reports: tuple[JobReport, ...] = ()


def outcome(pod: k8s.V1Pod) -> Outcome:
    """Read the outcome; the first that applies: the pod's own end, prepare, script, uploads."""
    known = _POD_REASONS.get(pod.status.reason or "")
    if known:
        said = pod.status.message or pod.status.reason
        return Outcome(failure_reason=known[0], message=f"{known[1]}: {said}")
    prepare = container_state(pod, PREPARE_CONTAINER)
    if prepare.exit_code != 0:
        return _helper_failed("prepare", prepare)
    build = container_state(pod, BUILD_CONTAINER)
    helper = container_state(pod, HELPER_CONTAINER)
    if build.exit_code is None:
        return _system(f"the build container did not end: {build.reason or build.phase}")
    if build.exit_code != 0:
        return replace(_build_failed(build), **_left(helper))
    if helper.exit_code != 0:
        return _helper_failed("helper", helper)
    return Outcome(exit_code=0, **_left(helper))


def _build_failed(build: ContainerState) -> Outcome:
    if build.reason in {"StartError", "ContainerCannotRun"}:
        return _system(f"the build container could not start: {build.message or build.reason}")
    message = f"exit code {build.exit_code}"
    if build.reason == "OOMKilled":
        message = f"out of memory: the build container was killed (OOMKilled), {message}"
    return Outcome(failure_reason="script_failure", exit_code=build.exit_code, message=message)


def _helper_failed(container: str, state: ContainerState) -> Outcome:
    report = _report(state)
    said = report.get("message") or state.message or state.reason or state.phase
    phase = report.get("phase") or container
    reason = report.get("reason") or "runner_system_failure"
    return Outcome(failure_reason=str(reason), message=f"{phase}: {said}")


def _system(message: str) -> Outcome:
    return Outcome(failure_reason="runner_system_failure", message=message)


def _left(helper: ContainerState) -> dict[str, Any]:
    """Read what the job left in the object store."""
    report = _report(helper)
    return {
        "artifacts": msgspec.convert(report.get("artifacts") or [], tuple[JobArtifact, ...]),
        "reports": msgspec.convert(report.get("reports") or [], tuple[JobReport, ...]),
    }


def _report(state: ContainerState) -> dict[str, Any]:
    """Read the JSON that the helper leaves as its termination message."""
    try:
        report = msgspec.json.decode(state.message)
    except msgspec.DecodeError:
        return {}
    return report if isinstance(report, dict) else {}
