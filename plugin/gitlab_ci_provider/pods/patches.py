"""Changes that a runner makes to a finished pod's spec, as `kubectl patch` would.

For what no option covers. A patch may take away what a job needs: it is the administrator's own.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.model.runner_parts import PodPatch
from gitlab_ci_provider.pods.manifest import from_manifest, to_manifest

_DIRECTIVE = "$patch"
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "env": "name",
    "resourceClaims": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}
"""By which field the items of a list are told apart; any other list is replaced as a whole."""


def patched(spec: k8s.V1PodSpec, patches: Sequence[PodPatch], runner: str) -> k8s.V1PodSpec:
    """Apply the patches of a runner in their order.

    Raises:
        SystemFailure: a patch does not fit the pod.
    """
    if not patches:
        return spec
    manifest: Any = to_manifest(spec)
    for patch in patches:
        manifest = _applied(manifest, patch, runner)
    try:
        changed: k8s.V1PodSpec = from_manifest(manifest, "V1PodSpec")
        lost = sorted(_lost(manifest, to_manifest(changed), ""))
    except Exception as problem:
        words = f"the pod patches of the runner '{runner}' make no pod: {problem}"
        raise ConfigurationFailure(words) from problem
    if lost:
        words = f"Kubernetes' client does not know {', '.join(lost)}"
        raise ConfigurationFailure(
            f"the pod patches of the runner '{runner}' would be dropped: {words}"
        )
    return changed


def _lost(wanted: Any, actual: Any, path: str) -> Iterator[str]:
    """List what the client drops in silence: fields that it does not know."""
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        for key, value in wanted.items():
            if key in actual:
                yield from _lost(value, actual[key], f"{path}.{key}")
            elif value not in (None, {}, []):
                yield f"{path}.{key}"[1:]
    elif isinstance(wanted, list) and isinstance(actual, list):
        for number, (item, kept) in enumerate(zip(wanted, actual, strict=False)):
            yield from _lost(item, kept, f"{path}[{number}]")
    elif isinstance(wanted, Mapping | list) or isinstance(actual, Mapping | list):
        raise TypeError(f"{path[1:]} has the wrong type")


def _applied(manifest: Any, patch: PodPatch, runner: str) -> Any:
    try:
        if patch.type == "json":
            import jsonpatch  # few runners need it

            operations: Any = copy.deepcopy(patch.patch)
            return jsonpatch.apply_patch(manifest, operations)
        merge = _merge if patch.type == "merge" else _strategic
        return merge(manifest, patch.patch)
    except Exception as problem:
        words = f"the pod patch '{patch.name}' of the runner '{runner}' does not fit: {problem}"
        raise ConfigurationFailure(words) from problem


def _merge(target: Any, patch: Any) -> Any:
    """Merge as RFC 7386 says: null removes, lists are replaced."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _strategic(target: Any, patch: Any, merge_key: str = "") -> Any:
    """Merge as Kubernetes does: items of some lists are told apart by a field."""
    if isinstance(patch, list) and merge_key:
        return _items(target if isinstance(target, list) else [], patch, merge_key)
    if not isinstance(patch, Mapping):
        return patch
    replaces = patch.get(_DIRECTIVE) == "replace"
    merged = dict(target) if isinstance(target, Mapping) and not replaces else {}
    for key, value in patch.items():
        if key == _DIRECTIVE:
            continue
        if value is None or (isinstance(value, Mapping) and value.get(_DIRECTIVE) == "delete"):
            merged.pop(key, None)
        else:
            merged[key] = _strategic(merged.get(key), value, _MERGE_KEYS.get(key, ""))
    return merged


def _items(target: list[Any], patch: list[Any], key: str) -> list[Any]:
    if any(isinstance(item, Mapping) and item == {_DIRECTIVE: "replace"} for item in patch):
        return [item for item in patch if item != {_DIRECTIVE: "replace"}]
    found = {item[key]: item for item in target}
    for item in patch:
        if item.get(_DIRECTIVE) == "delete":
            found.pop(item[key], None)
        else:
            found[item[key]] = _strategic(found.get(item[key]), item)
    return list(found.values())
