"""Checks of a pod's spec, in the words and the order of the API server."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitlab_ci_cluster.objects import errors
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.objects.quantity import parse_quantity

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_LONGEST_LABEL = 63
_QUANTITY_RULE = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MOST_SECONDS = (1 << 31) - 1


def spec_causes(spec: Obj) -> Iterator[Obj]:
    """List what is wrong with a pod's spec."""
    if not spec.get("containers"):
        yield _required("spec.containers")
    seen: set[str] = set()
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    for group in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(group) or []):
            field = f"spec.{group}[{index}]"
            yield from _name_causes(container.get("name", ""), f"{field}.name", seen)
            yield from _container_causes(container, field, volumes)
    yield from _unsupported(spec.get("restartPolicy"), _RESTART_POLICIES, "spec.restartPolicy")
    seconds = spec.get("activeDeadlineSeconds", 1)
    if not 1 <= seconds <= _MOST_SECONDS:
        rule = f"must be between 1 and {_MOST_SECONDS}, inclusive"
        message = f"Invalid value: {seconds}: {rule}"
        yield errors.cause("Invalid", message, "spec.activeDeadlineSeconds")
    yield from _image_causes(spec)


def _required(field: str) -> Obj:
    return errors.cause("Required", "Required value", field)


def _unsupported(value: str | None, supported: tuple[str, ...], field: str) -> Iterator[Obj]:
    if value is not None and value not in supported:
        shown = ", ".join(f'"{choice}"' for choice in supported)
        message = f'Unsupported value: "{value}": supported values: {shown}'
        yield errors.cause("NotSupported", message, field)


def _name_causes(name: str, field: str, seen: set[str]) -> Iterator[Obj]:
    if not name:
        yield _required(field)
    elif not _LABEL.fullmatch(name):
        yield errors.cause("Invalid", f'Invalid value: "{name}": {_LABEL_RULE}', field)
    elif len(name) > _LONGEST_LABEL:
        rule = f"must be no more than {_LONGEST_LABEL} bytes"
        yield errors.cause("Invalid", f'Invalid value: "{name}": {rule}', field)
    if name and name in seen:
        yield errors.cause("Duplicate", f'Duplicate value: "{name}"', field)
    seen.add(name)


def _container_causes(container: Obj, field: str, volumes: set[str | None]) -> Iterator[Obj]:
    if not container.get("image"):
        yield _required(f"{field}.image")
    for index, port in enumerate(container.get("ports") or []):
        if not port.get("containerPort"):
            yield _required(f"{field}.ports[{index}].containerPort")
    for index, variable in enumerate(container.get("env") or []):
        if not variable.get("name"):
            yield _required(f"{field}.env[{index}].name")
    yield from _mount_causes(container, f"{field}.volumeMounts", volumes)
    policy = container.get("imagePullPolicy")
    yield from _unsupported(policy, _PULL_POLICIES, f"{field}.imagePullPolicy")
    yield from _resource_causes(container.get("resources") or {}, f"{field}.resources.requests")


def _mount_causes(container: Obj, field: str, volumes: set[str | None]) -> Iterator[Obj]:
    for index, mount in enumerate(container.get("volumeMounts") or []):
        name = mount.get("name")
        if name not in volumes:
            yield errors.cause("NotFound", f'Not found: "{name}"', f"{field}[{index}].name")
        if not mount.get("mountPath"):
            yield _required(f"{field}[{index}].mountPath")


def _resource_causes(resources: Obj, field: str) -> Iterator[Obj]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    try:
        amounts = {name: parse_quantity(value) for name, value in limits.items()}
        wanted = {name: parse_quantity(value) for name, value in requests.items()}
    except ValueError as error:
        raise errors.undecodable("Pod", _QUANTITY_RULE) from error
    for name, amount in wanted.items():
        if name in amounts and amount > amounts[name]:
            rule = f"must be less than or equal to {name} limit of {limits[name]}"
            yield errors.cause("Invalid", f'Invalid value: "{requests[name]}": {rule}', field)


def _image_causes(spec: Obj) -> Iterator[Obj]:
    rule = "must not have leading or trailing whitespace"
    for group in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(group) or []):
            image = container.get("image") or ""
            if image != image.strip():
                message = f'Invalid value: "{image}": {rule}'
                yield errors.cause("Invalid", message, f"spec.{group}[{index}].image")
