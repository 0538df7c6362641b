"""Options of config.toml that Kubernetes writes in another way: names, nesting, units."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

Converted = Iterator[tuple[str, Any]]
"""Options of a runner, by their place in it, and their values."""

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
        if value:
            yield target, [int(text) for text in value]

    return convert


def _dns_policy(value: str) -> Converted:
    if value:
        yield "network.dns_policy", _DNS[value]


def _patches(value: list[Mapping[str, str]]) -> Converted:
    found = []
    for patch in value:
        if patch.get("patch_path"):
            raise ValueError(f"patch_path: put the content of {patch['patch_path']} here")
        document = yaml.safe_load(patch.get("patch", ""))  # JSON is YAML, too
        kind = patch.get("patch_type") or "strategic"
        found.append({"name": patch.get("name", ""), "type": kind, "patch": document})
    if found:
        yield "pod_patches", found


def environment(value: list[str]) -> Converted:
    """Convert variables, written as `NAME=value`."""
    pairs = [text.partition("=") for text in value]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise ValueError(f"not of the form NAME=value: {', '.join(wrong)}")
    if pairs:
        yield "environment", {name: text for name, _, text in pairs}


def _cache(value: Mapping[str, Any]) -> Converted:
    """Convert what is said of names; how the store is reached is an Airflow connection."""
    found = {"path": value.get("Path"), "bucket": (value.get("s3") or {}).get("BucketName")}
    yield (
        "cache",
        {key: text for key, text in found.items() if text}
        | ({} if value.get("Shared") else {"shared": False}),
    )


def _services(value: list[Mapping[str, Any]]) -> Converted:
    found = []
    for service in value:
        written = {key: service[key] for key in ("name", "entrypoint", "command") if key in service}
        alias = str(service.get("alias", "")).replace(",", " ").split()
        found.append(
            written
            | ({"alias": alias} if alias else {})
            | dict(environment(service.get("environment") or []))
        )
        if left := set(service) - {"name", "alias", "entrypoint", "command", "environment"}:
            raise ValueError(f"unknown options of a service: {', '.join(sorted(left))}")
    if found:
        yield "services", found


def _volumes(value: Mapping[str, list[dict[str, Any]]]) -> Converted:
    volumes, mounts = [], []
    for kind, listed in value.items():
        for one in listed:
            volumes.append({"name": one["name"], **_VOLUMES[kind](one)})
            mount = {"name": one["name"], "mountPath": one["mount_path"]}
            mount |= {"subPath": one["sub_path"]} if one.get("sub_path") else {}
            mount |= {"readOnly": True} if one.get("read_only") else {}
            spread = one.get("mount_propagation")
            mounts.append(mount | ({"mountPropagation": spread} if spread else {}))
    if volumes:
        yield "volumes", volumes
        yield "volume_mounts", mounts


def _items(one: Mapping[str, Any]) -> dict[str, Any]:
    items = [{"key": key, "path": path} for key, path in (one.get("items") or {}).items()]
    return {"items": items} if items else {}


def _csi(one: Mapping[str, Any]) -> dict[str, Any]:
    source = {"driver": one["driver"], "fsType": one.get("fs_type", "")}
    source |= {"readOnly": one.get("read_only", False)}
    source |= {"volumeAttributes": one.get("volume_attributes") or {}}
    return {"csi": {key: found for key, found in source.items() if found}}


def _empty_dir(one: Mapping[str, Any]) -> dict[str, Any]:
    source = {"medium": one.get("medium"), "sizeLimit": one.get("size_limit")}
    return {"emptyDir": {key: found for key, found in source.items() if found}}


_VOLUMES: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "host_path": lambda one: {"hostPath": {"path": one.get("host_path") or one["mount_path"]}},
    "pvc": lambda one: {"persistentVolumeClaim": {"claimName": one["name"]}},
    "config_map": lambda one: {"configMap": {"name": one["name"], **_items(one)}},
    "secret": lambda one: {"secret": {"secretName": one["name"], **_items(one)}},
    "empty_dir": _empty_dir,
    "csi": _csi,
    "nfs": lambda one: {"nfs": {"server": one["server"], "path": one["path"]}},
}

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
    "services": _services,
    "volumes": _volumes,
    "pod_spec": _patches,
}
"""How each of these options of `[runners.kubernetes]` is converted."""

RUNNER_SHAPES: Mapping[str, Callable[[Any], Converted]] = {
    "environment": environment,
    "cache": _cache,
}
"""How each of these options of `[[runners]]` is converted."""
