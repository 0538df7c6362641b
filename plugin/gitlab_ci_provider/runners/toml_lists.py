"""Lists of config.toml: an item that cannot be taken over is reported, and the others are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.loader import load
from gitlab_ci_provider.config.raw import to_data
from gitlab_ci_provider.config.yaml_errors import LoadError


@dataclass(frozen=True, slots=True)
class Wrong:
    """What cannot be taken over of an option, in words that show no value but its own."""

    words: str


Converted = Iterator[tuple[str, Any] | Wrong]
"""Options of a runner, by their place in it, and their values."""

_SERVICE = frozenset({"name", "alias", "entrypoint", "command", "environment"})
_MOUNT = frozenset({"name", "mount_path", "sub_path", "read_only", "mount_propagation"})


def environment(value: list[str]) -> Converted:
    """Convert variables, written as `NAME=value`; their values may be secrets."""
    pairs = [str(text).partition("=") for text in value]
    if wrong := sum(not equals for _, equals, _ in pairs):
        yield Wrong(f"entries that are not of the form NAME=value: {wrong}")
    if found := {name: text for name, equals, text in pairs if equals}:
        yield "environment", found


def services(value: list[Any]) -> Converted:
    """Convert services that every job gets."""
    found = []
    for service in value:
        if not isinstance(service, Mapping):
            yield Wrong("a service is not a table")
            continue
        written = {key: service[key] for key in ("name", "entrypoint", "command") if key in service}
        alias = str(service.get("alias", "")).replace(",", " ").split()
        written |= {"alias": alias} if alias else {}
        for converted in environment(service.get("environment") or []):
            if isinstance(converted, Wrong):
                yield Wrong(f"environment: {converted.words}")
            else:
                written |= dict([converted])
        found.append(written)
        if left := sorted(set(service) - _SERVICE):
            yield Wrong(f"these options of a service become nothing: {', '.join(left)}")
    if found:
        yield "services", found


def volumes(value: Mapping[str, list[Any]]) -> Converted:
    """Convert volumes; what a kind of volume does not have is reported."""
    found, mounts = [], []
    for kind, listed in value.items():
        if kind not in _VOLUMES:
            yield Wrong(f"{kind}: there are no such volumes")
            continue
        for one in listed:
            if not isinstance(one, Mapping):
                yield Wrong(f"{kind}: a volume is not a table")
                continue
            try:
                volume = {"name": one["name"], **_VOLUMES[kind](one)}
                mount = _mount(one)
            except KeyError as problem:
                yield Wrong(f"{kind}: a volume lacks {problem}")
                continue
            found.append(volume)
            mounts.append(mount)
            if left := sorted(set(one) - _MOUNT - _OWN[kind]):
                yield Wrong(f"{kind}: these options become nothing: {', '.join(left)}")
    if found:
        yield "volumes", found
        yield "volume_mounts", mounts


def patches(value: list[Mapping[str, str]]) -> Converted:
    """Convert patches of the pod's spec: text in YAML or JSON."""
    found = []
    for patch in value:
        name = str(patch.get("name", ""))
        if patch.get("patch_path"):
            yield Wrong(f"patch_path: put the content of {patch['patch_path']} here")
            continue
        problems = Diagnostics()
        try:
            document = to_data(load(str(patch.get("patch", "")), "patch", problems))
        except LoadError as problem:
            yield Wrong(f"the patch {name!r} cannot be read: {problem.message}")
            continue
        if problems.failed:
            yield Wrong(f"the patch {name!r} cannot be read: {problems.found[0].message}")
            continue
        kind = patch.get("patch_type") or "strategic"
        found.append({"name": name, "type": kind, "patch": document})
        if left := sorted(set(patch) - {"name", "patch_path", "patch", "patch_type"}):
            yield Wrong(f"these options of a patch become nothing: {', '.join(left)}")
    if found:
        yield "pod_patches", found


def _mount(one: Mapping[str, Any]) -> dict[str, Any]:
    mount = {"name": one["name"], "mountPath": one["mount_path"]}
    mount |= {"subPath": one["sub_path"]} if one.get("sub_path") else {}
    mount |= {"readOnly": True} if one.get("read_only") else {}
    spread = one.get("mount_propagation")
    return mount | ({"mountPropagation": spread} if spread else {})


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
_OWN: Mapping[str, frozenset[str]] = {
    "host_path": frozenset({"host_path"}),
    "pvc": frozenset(),
    "config_map": frozenset({"items"}),
    "secret": frozenset({"items"}),
    "empty_dir": frozenset({"medium", "size_limit"}),
    "csi": frozenset({"driver", "fs_type", "volume_attributes"}),
    "nfs": frozenset({"server", "path"}),
}
"""Options of each kind, in addition to those of its mount."""
