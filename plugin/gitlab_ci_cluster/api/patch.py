"""Patches: JSON patch, merge patch, strategic merge patch, and apply without conflicts."""

from __future__ import annotations

import copy
from typing import Any

from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.meta import Obj

_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "conditions": "type",
    "ownerReferences": "uid",
}
"""Lists that a strategic merge combines by a key (`patchMergeKey` in the API's types)."""

_MERGED_VALUES = ("finalizers",)
"""Lists of plain values that a strategic merge adds to."""


def apply_patch(obj: Obj, patch: Any, content_type: str) -> Obj:
    """Change an object as a patch of some type says.

    Raises:
        ApiError: the patch cannot be applied, or its type is unknown.
    """
    if content_type == "application/json-patch+json":
        return _json_patch(obj, patch)
    if not isinstance(patch, dict):
        raise ApiError(400, "json: cannot unmarshal patch into an object")
    if content_type == "application/merge-patch+json":
        return _merge(obj, patch)
    if content_type in {
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    }:
        return _strategic(obj, patch)
    raise ApiError(415, "415: Unsupported Media Type", details={})


def _json_patch(obj: Obj, patch: Any) -> Obj:
    import jsonpatch

    try:
        result: Obj = jsonpatch.apply_patch(copy.deepcopy(obj), patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        message = "the server rejected our request due to an error in our request"
        raise ApiError(422, message, details={}) from error
    return result


def _merge(target: object, patch: Obj) -> Obj:
    """Merge as RFC 7396 says."""
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = _merge(result.get(key), value)
        else:
            result[key] = value
    return result


def _strategic(target: object, patch: Obj) -> Obj:
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith(("$setElementOrder/", "$retainKeys")):
            continue
        if key.startswith("$deleteFromPrimitiveList/"):
            _delete_values(result, key.partition("/")[2], value)
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = _strategic(result.get(key), value)
        elif isinstance(value, list):
            result[key] = _merge_list(key, result.get(key) or [], value)
        else:
            result[key] = value
    return result


def _delete_values(result: Obj, key: str, values: list[object]) -> None:
    if key in result:
        result[key] = [value for value in result[key] if value not in values]


def _merge_list(key: str, old: list[Any], new: list[Any]) -> list[Any]:
    if key in _MERGED_VALUES:
        return list(dict.fromkeys([*old, *new]))
    merge_key = _MERGE_KEYS.get(key)
    if merge_key is None or not all(isinstance(item, dict) for item in new):
        return new
    if any(item.get("$patch") == "replace" for item in new):
        return [item for item in new if "$patch" not in item]
    merged = {item.get(merge_key): item for item in old}
    for item in new:
        name = item.get(merge_key)
        if item.get("$patch") == "delete":
            merged.pop(name, None)
        else:
            merged[name] = _strategic(merged.get(name), item)
    return list(merged.values())
