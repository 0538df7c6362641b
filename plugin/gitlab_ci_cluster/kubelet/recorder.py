"""Events: what the cluster tells about a pod, repeated ones counted."""

from __future__ import annotations

import time

from gitlab_ci_cluster.objects.meta import (
    Obj,
    is_deleting,
    micro_timestamp,
    new_uid,
    timestamp,
)
from gitlab_ci_cluster.objects.resources import EVENTS, NAMESPACES, PODS
from gitlab_ci_cluster.objects.store import Store

_KEPT = 5000
"""Events kept at most; the oldest go first. A real cluster keeps an hour's."""


class EventRecorder:
    """Writes events about pods into the store."""

    def __init__(self, store: Store, node: str) -> None:
        self._store = store
        self._node = node
        self._names: dict[tuple[str, str, str, str], tuple[str, str]] = {}

    def normal(self, pod: Obj, reason: str, message: str, field: str = "") -> None:
        """Record a Normal event; `field` names a container, see `field_path`."""
        self._record(pod, ("Normal", reason, message), field)

    def warning(self, pod: Obj, reason: str, message: str, field: str = "") -> None:
        """Record a Warning event."""
        self._record(pod, ("Warning", reason, message), field)

    def scheduled(self, pod: Obj) -> None:
        """Tell, as the scheduler does, on which node a pod runs."""
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        event = _event(pod, "Normal", "Scheduled", "")
        event["message"] = f"Successfully assigned {namespace}/{name} to {self._node}"
        event |= {"source": {}, "firstTimestamp": None, "lastTimestamp": None}
        event |= {"type": "Normal", "eventTime": micro_timestamp(), "action": "Binding"}
        event |= {"reportingComponent": "default-scheduler"}
        self._add(event | {"reportingInstance": f"default-scheduler-{self._node}"})

    def _record(self, pod: Obj, what: tuple[str, str, str], field: str) -> None:
        kind, reason, message = what
        key = (pod["metadata"]["uid"], reason, message, field)
        known = self._names.get(key)
        existing = self._store.find(EVENTS, *known) if known else None
        if existing is not None:
            count = existing["count"] + 1
            self._store.update(EVENTS, existing | {"count": count, "lastTimestamp": timestamp()})
            return
        event = _event(pod, kind, reason, field)
        event |= {"message": message, "source": {"component": "kubelet", "host": self._node}}
        event |= {"firstTimestamp": timestamp(), "lastTimestamp": timestamp(), "count": 1}
        event |= {"type": kind, "eventTime": None, "reportingComponent": "kubelet"}
        self._add(event | {"reportingInstance": self._node})
        self._names[key] = (event["metadata"]["namespace"], event["metadata"]["name"])
        self._forget_old()

    def _add(self, event: Obj) -> None:
        namespace = self._store.find(NAMESPACES, "", event["metadata"]["namespace"])
        if namespace is not None and not is_deleting(namespace):
            self._store.create(EVENTS, event)

    def _forget_old(self) -> None:
        if len(self._names) <= _KEPT:
            return
        for key in list(self._names)[: _KEPT // 10]:
            namespace_and_name = self._names.pop(key)
            if self._store.find(EVENTS, *namespace_and_name):
                self._store.remove(EVENTS, *namespace_and_name)


def field_path(spec: Obj, container: str) -> str:
    """Name a container as events do."""
    inits = [init["name"] for init in spec.get("initContainers", [])]
    return f"spec.{'initContainers' if container in inits else 'containers'}{{{container}}}"


def _event(pod: Obj, kind: str, reason: str, field: str) -> Obj:
    metadata = pod["metadata"]
    involved: Obj = {"kind": PODS.kind, "namespace": metadata["namespace"]}
    involved |= {"name": metadata["name"], "uid": metadata["uid"], "apiVersion": "v1"}
    involved |= {"resourceVersion": metadata["resourceVersion"]}
    if field:
        involved["fieldPath"] = field
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {
            "name": f"{metadata['name']}.{time.time_ns():x}",
            "namespace": metadata["namespace"],
            "uid": new_uid(),
            "creationTimestamp": timestamp(),
        },
        "involvedObject": involved,
        "reason": reason,
        "type": kind,
    }
