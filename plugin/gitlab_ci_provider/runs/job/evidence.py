"""Keeping what explains a failure before the pod is deleted: in the task's log and its result.

A job whose script has failed by itself explains itself, and costs no further requests.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import FailureReason, JobFailure
from gitlab_ci_provider.hooks.kubernetes import UNREACHABLE
from gitlab_ci_provider.hooks.log_tail import log_tail
from gitlab_ci_provider.hooks.outages import say
from gitlab_ci_provider.model.evidence import PodEvidence
from gitlab_ci_provider.model.log_frames import without_frames
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.model.workspace import BUILD_CONTAINER, FRAMED_CONTAINERS, OUT_OF_MEMORY
from gitlab_ci_provider.pods.evidence import (
    Mask,
    evidence_lines,
    pod_evidence,
    started_containers,
)
from gitlab_ci_provider.runs.job.end import PodFailure
from gitlab_ci_provider.runs.job.objects import read_pod

_KILLED = 128
"""Exit codes above it mean a signal: somebody or something ended the script."""

_LINES = 40

_log = logging.getLogger(__name__)


def explained(failure: JobFailure, client: k8s.CoreV1Api, pod: k8s.V1Pod, mask: Mask) -> JobFailure:
    """Return the failure with the evidence for it, which is also shown in the task's log.

    Args:
        failure: why the job has failed.
        client: of the cluster.
        pod: as the job knows it; only its name is certain.
        mask: hides secrets.
    """
    if not needs_evidence(failure):
        return failure
    evidence = _gathered(client, pod.metadata.name, pod.metadata.namespace, mask)
    if evidence is None:
        return failure
    _show(evidence)
    known = failure.result if isinstance(failure, PodFailure) else None
    result = replace(
        known or JobResult(status=JobStatus.FAILED, pod=evidence.pod), pod_end=evidence
    )
    words = f"{failure}{_memory_limit(failure, evidence)}{_who_interrupted(failure, evidence)}"
    return PodFailure(words, reason=failure.reason, exit_code=failure.exit_code, result=result)


def needs_evidence(failure: JobFailure) -> bool:
    """Return whether the pod knows more than the failure says."""
    if failure.reason == FailureReason.SCRIPT_FAILURE:
        killed = failure.exit_code is not None and failure.exit_code > _KILLED
        return killed or str(failure).startswith(OUT_OF_MEMORY)
    return failure.reason != FailureReason.MISSING_DEPENDENCY_FAILURE


def _memory_limit(failure: JobFailure, evidence: PodEvidence) -> str:
    """Add the limit that a killed container may have met, unless the failure names it."""
    said = str(failure)
    if (failure.exit_code is None and OUT_OF_MEMORY not in said) or "limit" in said:
        return ""
    by_name = {one.name: one for one in evidence.containers}
    killed = [one for one in evidence.containers if one.reason == "OOMKilled"]
    found = next((one for one in (*killed, by_name.get(BUILD_CONTAINER)) if one), None)
    limit = found.limits.get("memory") if found else None
    return f"; its memory limit is {limit}" if limit else ""


def _who_interrupted(failure: JobFailure, evidence: PodEvidence) -> str:
    """Add what only an event says of a pod that was deleted: which other pod took its place."""
    if failure.reason != FailureReason.RUNNER_INTERRUPTED:
        return ""
    told = [event for event in evidence.events if event.reason == "Preempted"]
    return f": {told[-1].message}" if told else ""


def _gathered(client: k8s.CoreV1Api, name: str, namespace: str, mask: Mask) -> PodEvidence | None:
    try:
        pod = read_pod(client, name, namespace)
        events = client.list_namespaced_event(
            namespace, field_selector=f"involvedObject.name={name}"
        ).items
        started = started_containers(pod) if pod is not None else []
        logs = {container: _tail(client, (name, namespace), container) for container in started}
    except UNREACHABLE as problem:
        _log.warning("what Kubernetes knows of pod %s could not be read: %s", name, say(problem))
        return None
    if pod is None and not events:
        return None
    return pod_evidence(name, pod, events, logs, mask)


def _tail(client: k8s.CoreV1Api, pod: tuple[str, str], container: str) -> str:
    """Read the end of a log; empty when the node has none to give."""
    try:
        data = log_tail(client, pod, container, _LINES)
    except UNREACHABLE:
        return ""
    if container in FRAMED_CONTAINERS:
        data = without_frames(data)
    return data.decode("utf-8", "replace")


def _show(evidence: PodEvidence) -> None:
    _log.info("::group::What Kubernetes knows of pod %s", evidence.pod)
    for line in evidence_lines(evidence, shown=FRAMED_CONTAINERS):
        _log.info("%s", line)
    _log.info("::endgroup::")
