"""Options of config.toml that Kubernetes writes in another way: names, nesting, units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gitlab_ci_provider.runners.toml_lists import (
    Converted,
    Wrong,
    environment,
    patches,
    services,
    volumes,
)

_LABELS = frozenset({"match_labels", "node_selector"})
"""Mappings whose keys are the user's own."""

_NAMES = {"se_linux_type": "seLinuxType", "http_get": "httpGet", "tcp_socket": "tcpSocket"}
_DNS = {
    "none": "None",
    "default": "Default",
    "cluster-first": "ClusterFirst",
    "cluster-first-with-host-net": "ClusterFirstWithHostNet",
}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return _NAMES.get(name) or first + "".join(other.capitalize() for other in others)


def _as_kubernetes(value: Any) -> Any:
    """Write names as Kubernetes does, all the way down; what is empty says nothing."""
    if isinstance(value, list):
        return [_as_kubernetes(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        _camel(key): item if key in _LABELS else _as_kubernetes(item)
        for key, item in value.items()
        if item not in ("", {}, [])
    }


def _plain(target: str) -> Callable[[Any], Converted]:
    def convert(value: Any) -> Converted:
        if value:
            yield target, _as_kubernetes(value)

    return convert


def _context(target: str) -> Callable[[Any], Converted]:
    """Convert a security context; SELinux is nested in Kubernetes."""

    def convert(value: Mapping[str, Any]) -> Converted:
        found = dict(value)
        selinux = found.pop("selinux_type", "")
        written = _as_kubernetes(found)
        if selinux:
            written["seLinuxOptions"] = {"type": selinux}
        if "procMount" in written:
            written["procMount"] = str(written["procMount"]).strip().capitalize()
        if written:
            yield target, written

    return convert


def _tolerations(value: Mapping[str, str]) -> Converted:
    found = []
    for taint, effect in value.items():
        key, equals, text = taint.partition("=")
        toleration = {"key": key} if key else {}
        toleration["operator"] = "Equal" if equals else "Exists"
        found.append(
            toleration
            | ({"value": text} if equals else {})
            | ({"effect": effect} if effect else {})
        )
    if found:
        yield "scheduling.tolerations", found


def _ids(target: str) -> Callable[[Any], Converted]:
    def convert(value: list[str]) -> Converted:
        wrong = [text for text in value if not str(text).isdecimal()]
        if wrong:
            yield Wrong(f"not the number of a user or group: {', '.join(map(repr, wrong))}")
        if found := [int(text) for text in value if text not in wrong]:
            yield target, found

    return convert


def _dns_policy(value: str) -> Converted:
    if value and value not in _DNS:
        yield Wrong(f"{value!r} is not one of {', '.join(_DNS)}")
    elif value:
        yield "network.dns_policy", _DNS[value]


def _cache(value: Mapping[str, Any]) -> Converted:
    """Convert what is said of names; how the store is reached is an Airflow connection."""
    store, kind = value.get("s3") or {}, str(value.get("Type") or "s3")
    found = {"path": value.get("Path"), "bucket": store.get("BucketName") if kind == "s3" else ""}
    yield (
        "cache",
        {key: text for key, text in found.items() if text}
        | ({} if value.get("Shared") else {"shared": False}),
    )
    if kind != "s3":
        yield Wrong(f"Type: stores of the type {kind!r} are used through an API like that of S3")
    left = sorted(set(value) - {"Type", "Path", "Shared", "s3"})
    left += [f"s3.{key}" for key in store if key != "BucketName"]
    if left:
        yield Wrong(f"not taken over: {', '.join(left)}")


SHAPES: Mapping[str, Callable[[Any], Converted]] = {
    "affinity": _plain("scheduling.affinity"),
    "node_tolerations": _tolerations,
    "host_aliases": _plain("network.host_aliases"),
    "dns_policy": _dns_policy,
    "dns_config": _plain("network.dns_config"),
    "container_lifecycle": _plain("lifecycle"),
    "pod_security_context": _context("security.pod"),
    "build_container_security_context": _context("security.build"),
    "helper_container_security_context": _context("security.helper"),
    "service_container_security_context": _context("security.service"),
    "allowed_users": _ids("allowed_users"),
    "allowed_groups": _ids("allowed_groups"),
    "services": services,
    "volumes": volumes,
    "pod_spec": patches,
}
"""How each of these options of `[runners.kubernetes]` is converted."""

RUNNER_SHAPES: Mapping[str, Callable[[Any], Converted]] = {
    "environment": environment,
    "cache": _cache,
}
"""How each of these options of `[[runners]]` is converted."""
