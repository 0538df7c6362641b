"""Admission: what a client sends becomes what is stored, with defaults and checks by kind."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from gitlab_ci_cluster.admission import pod_defaults
from gitlab_ci_cluster.admission.metadata import metadata_causes
from gitlab_ci_cluster.objects import errors
from gitlab_ci_cluster.objects.meta import Obj, new_uid, suffix, timestamp
from gitlab_ci_cluster.objects.resources import (
    CONFIG_MAPS,
    EVENTS,
    NAMESPACES,
    PODS,
    SECRETS,
    Resource,
)

_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_DATA_BYTES = 1 << 20
_DOCKER_TYPE, _DOCKER_KEY = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"
_SERVER_OWNED = ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "generation")


def prepare_new(resource: Resource, namespace: str, sent: Obj) -> Obj:
    """Make a new object from what a client sent.

    Raises:
        ApiError: it is not valid.
    """
    metadata = dict(sent.get("metadata") or {})
    if resource.namespaced:
        if metadata.get("namespace") not in {None, "", namespace}:
            raise errors.ApiError(
                400,
                "the namespace of the provided object does not match the namespace sent "
                "on the request",
            )
    elif metadata.get("namespace"):
        del metadata["namespace"]
    for name in (*_SERVER_OWNED, "deletionGracePeriodSeconds", "managedFields", "selfLink"):
        metadata.pop(name, None)
    obj: Obj = {"kind": resource.kind, "apiVersion": "v1", "metadata": metadata}
    obj |= {key: value for key, value in sent.items() if key not in obj}
    _name(resource, metadata)
    metadata |= {"namespace": namespace} if resource.namespaced else {}
    metadata |= {"uid": new_uid(), "creationTimestamp": timestamp()}
    prepare = _PREPARE.get(resource)
    return prepare(obj) if prepare else obj


def check_kind(resource: Resource, sent: Obj) -> None:
    """Check that the body is of the kind that the path names.

    Raises:
        ApiError: 400, it is not.
    """
    kind, version = sent.get("kind", resource.kind), sent.get("apiVersion", "v1")
    if version != "v1":
        scheme = "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"
        why = f'no kind "{kind}" is registered for version "{version}" in scheme "{scheme}"'
        raise errors.ApiError(
            400, f'{kind} in version "{version}" cannot be handled as a {resource.kind}: {why}'
        )
    if kind != resource.kind:
        why = f"converting (v1.{kind}) to (core.{resource.kind}): unknown conversion"
        raise errors.ApiError(
            400, f'{kind} in version "v1" cannot be handled as a {resource.kind}: {why}'
        )


def _name(resource: Resource, metadata: Obj) -> None:
    if not metadata.get("name"):
        prefix = metadata.get("generateName")
        if not prefix:
            message = "Required value: name or generateName is required"
            cause = errors.cause("Required", message, "metadata.name")
            raise errors.invalid(resource.kind, "", [cause])
        metadata["name"] = f"{prefix}{suffix()}"
    causes = metadata_causes(metadata)
    if causes and resource is not PODS:
        raise errors.invalid(resource.kind, metadata["name"], causes)


def _prepare_secret(obj: Obj) -> Obj:
    data = dict(obj.get("data") or {})
    for key, text in (obj.pop("stringData", None) or {}).items():
        data[key] = base64.b64encode(text.encode()).decode()
    _check_keys(obj, data)
    if sum(len(base64.b64decode(value or "")) for value in data.values()) > _DATA_BYTES:
        message = f"Too long: may not be more than {_DATA_BYTES} bytes"
        cause = errors.cause("TooLong", message, "data")
        raise errors.invalid("Secret", obj["metadata"]["name"], [cause])
    kind = obj.get("type") or "Opaque"
    if kind == _DOCKER_TYPE and _DOCKER_KEY not in data:
        cause = errors.cause("Required", "Required value", f"data[{_DOCKER_KEY}]")
        raise errors.invalid("Secret", obj["metadata"]["name"], [cause])
    return {**obj, "data": data, "type": kind}


def _check_keys(obj: Obj, data: Obj) -> None:
    for key in data:
        if not _KEY.fullmatch(key):
            rule = (
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
                "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
                "'[-._a-zA-Z0-9]+')"
            )
            cause = errors.cause("Invalid", f'Invalid value: "{key}": {rule}', f"data[{key}]")
            raise errors.invalid(obj["kind"], obj["metadata"]["name"], [cause])


def _prepare_config_map(obj: Obj) -> Obj:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    _check_keys(obj, {**data, **binary})
    for key in data.keys() & binary.keys():
        message = f'Invalid value: "{key}": duplicate of key present in binaryData'
        cause = errors.cause("Invalid", message, f"data[{key}]")
        raise errors.invalid("ConfigMap", obj["metadata"]["name"], [cause])
    return obj


def _prepare_namespace(obj: Obj) -> Obj:
    metadata = obj["metadata"]
    labels = metadata.get("labels") or {}
    metadata["labels"] = {"kubernetes.io/metadata.name": metadata["name"], **labels}
    return {**obj, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}


def _prepare_event(obj: Obj) -> Obj:
    return {"reason": "", "message": "", "source": {}, "type": "", **obj}


_PREPARE: dict[Resource, Callable[[Obj], Obj]] = {
    PODS: pod_defaults.prepare_pod,
    SECRETS: _prepare_secret,
    CONFIG_MAPS: _prepare_config_map,
    NAMESPACES: _prepare_namespace,
    EVENTS: _prepare_event,
}


def prepare_update(resource: Resource, before: Obj, sent: Obj) -> Obj:
    """Check a changed object against what it was.

    Raises:
        ApiError: an immutable field changed, or the object was changed by others since.
    """
    metadata = dict(sent.get("metadata") or {})
    version = metadata.get("resourceVersion")
    old = before["metadata"]
    if version and version != old["resourceVersion"]:
        raise errors.modified(resource.plural, old["name"])
    for name in ("name", "namespace", *_SERVER_OWNED, "deletionGracePeriodSeconds"):
        metadata.pop(name, None)
        if name in old:
            metadata[name] = old[name]
    metadata.pop("managedFields", None)
    obj = {"kind": resource.kind, "apiVersion": "v1"} | sent | {"metadata": metadata}
    causes = metadata_causes(metadata)
    if causes:
        raise errors.invalid(resource.kind, old["name"], causes)
    if resource is PODS:
        pod_defaults.check_update(before, obj)
    elif resource in {SECRETS, CONFIG_MAPS}:
        obj = _check_data_update(resource, before, obj)
    return obj


def _check_data_update(resource: Resource, before: Obj, obj: Obj) -> Obj:
    obj = _PREPARE[resource](obj)
    causes = []
    if before.get("type") != obj.get("type"):
        message = f'Invalid value: "{obj.get("type")}": field is immutable'
        causes.append(errors.cause("Invalid", message, "type"))
    if before.get("immutable"):
        message = "Forbidden: field is immutable when `immutable` is set"
        causes += [
            errors.cause("Forbidden", message, key)
            for key in ("immutable", "data", "binaryData")
            if (before.get(key) or {}) != (obj.get(key) or {})
        ]
    if causes:
        raise errors.invalid(resource.kind, before["metadata"]["name"], causes)
    return obj
