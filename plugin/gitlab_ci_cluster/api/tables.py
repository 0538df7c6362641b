"""Tables: what `kubectl get` prints, as the server says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitlab_ci_cluster.api.pod_columns import pod_row
from gitlab_ci_cluster.objects.meta import Obj, now, parse_time
from gitlab_ci_cluster.objects.resources import (
    CONFIG_MAPS,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    SECRETS,
    SERVICE_ACCOUNTS,
    Resource,
)

Row = Callable[[Obj], list[Any]]

_POD_COLUMNS = (
    "Name",
    "Ready",
    "Status",
    "Restarts",
    "Age",
    "IP:1",
    "Node:1",
    "Nominated Node:1",
    "Readiness Gates:1",
)


_SECOND, _MINUTE, _HOUR, _DAY, _YEAR = (
    ("s", 1),
    ("m", 60),
    ("h", 3600),
    ("d", 86400),
    ("y", 365 * 86400),
)
_DURATIONS = (
    (120, _SECOND, None),
    (600, _MINUTE, _SECOND),
    (3 * 3600, _MINUTE, None),
    (8 * 3600, _HOUR, _MINUTE),
    (48 * 3600, _HOUR, None),
    (8 * 86400, _DAY, _HOUR),
    (2 * 365 * 86400, _DAY, None),
    (0, _YEAR, _DAY),
)
"""The limit in seconds up to which each unit is used, and the next smaller unit."""


def age(text: str | None) -> str:
    """Return how long ago something was, as kubectl does (`duration.HumanDuration`)."""
    if not text:
        return "<unknown>"
    seconds = int((now() - parse_time(text)).total_seconds())
    return human_duration(max(seconds, 0))


def human_duration(seconds: int) -> str:
    """Write a duration in at most two units (`duration.HumanDuration`)."""
    steps = (step for step in _DURATIONS if seconds < step[0])
    _, (name, size), smaller = next(steps, _DURATIONS[-1])
    text = f"{seconds // size}{name}"
    if smaller is None:
        return text
    rest = seconds % size // smaller[1]
    return f"{text}{rest}{smaller[0]}" if rest else text


def _created(obj: Obj) -> str:
    return age(obj["metadata"]["creationTimestamp"])


def _secret(obj: Obj) -> list[Any]:
    return [obj["metadata"]["name"], obj["type"], len(obj.get("data") or {}), _created(obj)]


def _config_map(obj: Obj) -> list[Any]:
    count = len(obj.get("data") or {}) + len(obj.get("binaryData") or {})
    return [obj["metadata"]["name"], count, _created(obj)]


def _namespace(obj: Obj) -> list[Any]:
    return [obj["metadata"]["name"], obj["status"]["phase"], _created(obj)]


def _service_account(obj: Obj) -> list[Any]:
    return [obj["metadata"]["name"], len(obj.get("secrets") or []), _created(obj)]


def _node(obj: Obj) -> list[Any]:
    info = obj["status"]["nodeInfo"]
    shown = [obj["metadata"]["name"], "Ready", "<none>", _created(obj), info["kubeletVersion"]]
    addresses = [address["address"] for address in obj["status"]["addresses"]]
    wide = [addresses[0], "<none>", info["osImage"], info["kernelVersion"]]
    return [*shown, *wide, info["containerRuntimeVersion"]]


def _event(obj: Obj) -> list[Any]:
    involved = obj.get("involvedObject", {})
    subject = f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"
    first, last, count = _event_times(obj)
    source = obj.get("source") or {}
    component = ", ".join(filter(None, [source.get("component"), source.get("host")]))
    shown = [last, obj["type"], obj["reason"], subject, involved.get("fieldPath", "")]
    wide = [component or obj.get("reportingComponent", ""), obj["message"], first, count]
    return [*shown, *wide, obj["metadata"]["name"]]


def _event_times(obj: Obj) -> tuple[str, str, int]:
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    last = obj.get("lastTimestamp") or first
    return age(first), age(last), obj.get("count") or 1


_TABLES: dict[Resource, tuple[tuple[str, ...], Row]] = {
    PODS: (_POD_COLUMNS, lambda obj: pod_row(obj, _created(obj), age)),
    SECRETS: (("Name", "Type", "Data", "Age"), _secret),
    CONFIG_MAPS: (("Name", "Data", "Age"), _config_map),
    NAMESPACES: (("Name", "Status", "Age"), _namespace),
    SERVICE_ACCOUNTS: (("Name", "Secrets", "Age"), _service_account),
    NODES: (
        (
            "Name",
            "Status",
            "Roles",
            "Age",
            "Version",
            "Internal-IP:1",
            "External-IP:1",
            "OS-Image:1",
            "Kernel-Version:1",
            "Container-Runtime:1",
        ),
        _node,
    ),
    EVENTS: (
        (
            "Last Seen",
            "Type",
            "Reason",
            "Object",
            "Subobject:1",
            "Source:1",
            "Message",
            "First Seen:1",
            "Count:1",
            "Name:1",
        ),
        _event,
    ),
}


def table(
    resource: Resource, items: list[Obj], metadata: Obj, include: str, *, headed: bool = True
) -> Obj:
    """Make a `meta.k8s.io/v1` Table.

    `include` says what of each object goes with its row: `None`, `Metadata` or `Object`. Without
    `headed` the columns are left out, as in all but the first event of a watch.
    """
    columns, row = _TABLES[resource]
    kept = {key: metadata[key] for key in _LIST_METADATA if key in metadata}
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": kept,
        "columnDefinitions": [_column(column) for column in columns] if headed else None,
        "rows": [{"cells": row(item), **_row_object(item, include)} for item in items],
    }


_LIST_METADATA = ("resourceVersion", "continue", "remainingItemCount")


def _column(text: str) -> Obj:
    name, _, priority = text.partition(":")
    form = "name" if name == "Name" else ""
    kind = "integer" if name in {"Data", "Count", "Secrets"} else "string"
    column = {"name": name, "type": kind, "format": form, "description": name}
    return column | {"priority": int(priority or 0)}


def _row_object(item: Obj, include: str) -> Obj:
    if include == "Object":
        return {"object": item}
    if include == "None":
        return {}
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {"object": partial | {"metadata": item["metadata"]}}
