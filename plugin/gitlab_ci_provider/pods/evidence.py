"""A pod's statuses and events as evidence: what of them is kept, and how it reads in a log.

Pure and bounded: the result is stored in Airflow's database and read by later jobs. Whatever comes
from the pod may have been written by the job, so control characters are removed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from kubernetes import client as k8s

from gitlab_ci_provider.model.evidence import ContainerEvidence, EventEvidence, PodEvidence
from gitlab_ci_provider.pods.status import container_state

Mask = Callable[[str], str]

_MOST_CONTAINERS, _MOST_EVENTS, _MOST_LINES = 24, 20, 20
_LONGEST_WORDS, _LONGEST_LINE = 1000, 240
_MOST_CHARACTERS = 32_000
"""Of all log lines together; Airflow's state store accepts 64 KiB for one value."""

_ORDINARY = frozenset({"Scheduled", "Pulling", "Pulled", "Created", "Started"})
"""Events of every pod that starts; they stay in the record, but explain nothing to a reader."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def pod_evidence(
    name: str,
    pod: k8s.V1Pod | None,
    events: Iterable[k8s.CoreV1Event],
    logs: Mapping[str, str],
    mask: Mask,
) -> PodEvidence:
    """Keep what explains how a pod ended.

    Args:
        name: of the pod.
        pod: as it was last seen; None when it is gone.
        events: of the pod, in any order.
        logs: the end of each container's log, by container.
        mask: hides secrets.
    """
    said = _said(mask)
    seen = tuple(_event(event, said) for event in sorted(events, key=event_time)[-_MOST_EVENTS:])
    if pod is None:
        return PodEvidence(pod=name, gone=True, events=seen)
    status = pod.status or k8s.V1PodStatus()
    return PodEvidence(
        pod=name,
        node=pod.spec.node_name or "" if pod.spec else "",
        phase=status.phase or "",
        reason=status.reason or "",
        message=said(status.message),
        containers=_bounded(_containers(pod, logs, said)),
        events=seen,
    )


def started_containers(pod: k8s.V1Pod) -> list[str]:
    """List the containers that may have a log."""
    names = [container.name for container in _specs(pod)]
    return [name for name in names if container_state(pod, name).phase != "waiting"]


def evidence_lines(evidence: PodEvidence, *, shown: Iterable[str]) -> Iterator[str]:
    """Write evidence for a person.

    Args:
        evidence: of the pod.
        shown: containers whose log the reader has seen already.
    """
    yield _pod_line(evidence)
    for container in evidence.containers:
        yield _container_line(container)
    yield from dict.fromkeys(
        f"event {event.at} {event.kind} {event.reason}: {event.message}"
        + (f" ({event.count} times)" if event.count > 1 else "")
        for event in evidence.events
        if event.reason not in _ORDINARY
    )
    already = set(shown)
    for container in evidence.containers:
        if container.log and container.name not in already:
            yield f"the last lines of the log of container '{container.name}':"
            yield from (f"  | {line}" for line in container.log)


def _containers(
    pod: k8s.V1Pod, logs: Mapping[str, str], said: Callable[[Any], str]
) -> Iterator[ContainerEvidence]:
    for spec in _specs(pod)[:_MOST_CONTAINERS]:
        state = container_state(pod, spec.name)
        lines = logs.get(spec.name, "").splitlines()[-_MOST_LINES:]
        limits = spec.resources.limits if spec.resources else None
        yield ContainerEvidence(
            name=spec.name,
            image=said(spec.image),
            phase=state.phase,
            reason=state.reason,
            message="" if _is_ours(state.message) else said(state.message),
            exit_code=state.exit_code,
            restarts=state.restarts,
            started_at=_iso(state.started_at),
            finished_at=_iso(state.finished_at),
            limits={key: str(value) for key, value in (limits or {}).items()},
            log=tuple(said(line)[:_LONGEST_LINE] for line in lines),
        )


def _specs(pod: k8s.V1Pod) -> list[k8s.V1Container]:
    return [*(pod.spec.init_containers or []), *(pod.spec.containers or [])] if pod.spec else []


def _is_ours(message: str) -> bool:
    """Return whether a termination message is the helper's report, which the outcome has read."""
    return message.startswith("{")


def _bounded(containers: Iterable[ContainerEvidence]) -> tuple[ContainerEvidence, ...]:
    """Shorten logs so that all of them fit."""
    found = list(containers)
    most = _MOST_CHARACTERS // max(1, len(found))
    return tuple(replace(container, log=_fitting(container.log, most)) for container in found)


def _fitting(lines: tuple[str, ...], most: int) -> tuple[str, ...]:
    kept: list[str] = []
    for line in reversed(lines):
        most -= len(line)
        if most < 0:
            break
        kept.append(line)
    return tuple(reversed(kept))


def _event(event: k8s.CoreV1Event, said: Callable[[Any], str]) -> EventEvidence:
    return EventEvidence(
        at=event_time(event),
        kind=event.type or "",
        reason=event.reason or "",
        message=said(event.message),
        count=event.count or 1,
    )


def event_time(event: k8s.CoreV1Event) -> str:
    """Return when an event has happened last; ISO 8601, so that it can be sorted."""
    at = event.last_timestamp or event.event_time or event.first_timestamp
    return _iso(at or (event.metadata.creation_timestamp if event.metadata else None))


def _iso(moment: Any) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _said(mask: Mask) -> Callable[[Any], str]:
    def said(text: Any) -> str:
        return _CONTROL.sub("", mask(str(text or "")))[:_LONGEST_WORDS]

    return said


def _pod_line(evidence: PodEvidence) -> str:
    if evidence.gone:
        return f"pod {evidence.pod}: it does not exist anymore"
    node = f" on node {evidence.node}" if evidence.node else ", never on a node"
    why = ": ".join(filter(None, (evidence.reason, evidence.message)))
    return f"pod {evidence.pod}{node}: {evidence.phase}{f', {why}' if why else ''}"


def _container_line(container: ContainerEvidence) -> str:
    code = f" with exit code {container.exit_code}" if container.exit_code is not None else ""
    why = ": ".join(filter(None, (container.reason, container.message)))
    limits = ", ".join(f"{key} {value}" for key, value in sorted(container.limits.items()))
    facts = [
        f"limits: {limits}" if limits else "",
        f"restarted {container.restarts} times" if container.restarts else "",
        f"from {container.started_at} to {container.finished_at}" if container.finished_at else "",
    ]
    told = "; ".join(filter(None, (f"{container.phase}{code}{f' ({why})' if why else ''}", *facts)))
    return f"container '{container.name}' ({container.image}): {told}"
