"""Defaults and checks of pods, as the API server of Kubernetes 1.36 has them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitlab_ci_provider.local.cluster import errors
from gitlab_ci_provider.local.cluster.objects import Obj, timestamp
from gitlab_ci_provider.local.cluster.quantity import parse_quantity

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_NAME_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_LONGEST_NAME = 253
_LONGEST_LABEL = 63
_LONGEST_ANNOTATIONS = 1 << 18
_QUANTITY_RULE = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_MUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def metadata_causes(metadata: Obj) -> list[Obj]:
    """List what is wrong with names, labels and annotations."""
    name = metadata.get("name", "")
    causes = []
    if len(name) > _LONGEST_NAME:
        rule = f"must be no more than {_LONGEST_NAME} characters"
        causes.append(errors.cause("Invalid", f'Invalid value: "{name}": {rule}', "metadata.name"))
    elif not _SUBDOMAIN.fullmatch(name):
        message = f'Invalid value: "{name}": {_SUBDOMAIN_RULE}'
        causes.append(errors.cause("Invalid", message, "metadata.name"))
    causes += [
        errors.cause("Invalid", f'Invalid value: "{text}": {rule}', "metadata.labels")
        for text, rule in _wrong_labels(metadata.get("labels") or {})
    ]
    annotations = metadata.get("annotations") or {}
    if sum(len(key) + len(value) for key, value in annotations.items()) > _LONGEST_ANNOTATIONS:
        message = f"Too long: may not be more than {_LONGEST_ANNOTATIONS} bytes"
        causes.append(errors.cause("TooLong", message, "metadata.annotations"))
    return causes


def _wrong_labels(labels: Obj) -> Iterator[tuple[str, str]]:
    for key, value in labels.items():
        if not _LABEL_NAME.fullmatch(key.rpartition("/")[2]):
            yield key, _LABEL_NAME_RULE
        if len(value) > _LONGEST_LABEL:
            yield value, f"must be no more than {_LONGEST_LABEL} bytes"
        elif not _LABEL_VALUE.fullmatch(value):
            yield value, _LABEL_VALUE_RULE


def prepare_pod(obj: Obj) -> Obj:
    """Check a new pod and fill in the defaults.

    Raises:
        ApiError: it is not valid.
    """
    spec = obj.get("spec") or {}
    causes = [*metadata_causes(obj["metadata"]), *_spec_causes(spec)]
    if causes:
        raise errors.invalid("Pod", obj["metadata"]["name"], causes)
    spec = _default_spec(spec)
    obj["metadata"]["generation"] = 1
    return {**obj, "spec": spec, "status": _first_status(spec)}


def _first_status(spec: Obj) -> Obj:
    status: Obj = {"phase": "Pending"}
    if spec.get("schedulingGates"):
        times = {"lastProbeTime": None, "lastTransitionTime": timestamp()}
        message = "Scheduling is blocked due to non-empty scheduling gates"
        gated = {"reason": "SchedulingGated", "message": message}
        condition = {"type": "PodScheduled", "status": "False", **times, **gated}
        status["conditions"] = [condition]
    return status | {"qosClass": _quality(spec)}


def _spec_causes(spec: Obj) -> Iterator[Obj]:
    if not spec.get("containers"):
        yield errors.cause("Required", "Required value", "spec.containers")
    policies = ("Always", "OnFailure", "Never")
    if spec.get("restartPolicy", "Always") not in policies:
        supported = ", ".join(f'"{policy}"' for policy in policies)
        message = f'Unsupported value: "{spec["restartPolicy"]}": supported values: {supported}'
        yield errors.cause("NotSupported", message, "spec.restartPolicy")
    seen: set[str] = set()
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    for group in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(group) or []):
            yield from _container_causes(container, f"spec.{group}[{index}]", seen, volumes)


def _container_causes(
    container: Obj, field: str, seen: set[str], volumes: set[str | None]
) -> Iterator[Obj]:
    name = container.get("name", "")
    if not name:
        yield errors.cause("Required", "Required value", f"{field}.name")
    elif name in seen:
        yield errors.cause("Duplicate", f'Duplicate value: "{name}"', f"{field}.name")
    seen.add(name)
    if not container.get("image"):
        yield errors.cause("Required", "Required value", f"{field}.image")
    _check_quantities(container)
    for index, mount in enumerate(container.get("volumeMounts") or []):
        if mount.get("name") not in volumes:
            message = f'Not found: "{mount.get("name")}"'
            yield errors.cause("NotFound", message, f"{field}.volumeMounts[{index}].name")


def _check_quantities(container: Obj) -> None:
    resources = container.get("resources") or {}
    for group in ("limits", "requests"):
        for value in (resources.get(group) or {}).values():
            try:
                parse_quantity(value)
            except ValueError as error:
                raise errors.undecodable("Pod", _QUANTITY_RULE) from error


def _default_spec(spec: Obj) -> Obj:
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec = {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        **{key: value for key, value in spec.items() if value is not None},
        "serviceAccountName": account,
        "serviceAccount": account,
    }
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("priority", 0)
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    spec["tolerations"] = [*spec.get("tolerations", []), *_TOLERATIONS]
    for group in ("containers", "initContainers"):
        if spec.get(group):
            spec[group] = [_default_container(container) for container in spec[group]]
    if spec.get("volumes"):
        spec["volumes"] = [_default_volume(volume) for volume in spec["volumes"]]
    spec.pop("nodeName", None)
    return spec


_TOLERATIONS = [
    {
        "key": f"node.kubernetes.io/{condition}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    for condition in ("not-ready", "unreachable")
]


def _default_container(container: Obj) -> Obj:
    image = container["image"]
    latest = ":" not in image.rpartition("/")[2] or image.endswith(":latest")
    container = {
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "Always" if latest and "@" not in image else "IfNotPresent",
        **{key: value for key, value in container.items() if value is not None},
    }
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if name in container:
            container[name] = {**_PROBE, **container[name]}
    return {**container, "resources": _default_resources(container["resources"])}


def _default_resources(resources: Obj) -> Obj:
    """A limit without a request is the request, too."""
    limits = resources.get("limits") or {}
    if not limits:
        return resources
    return {**resources, "requests": {**limits, **(resources.get("requests") or {})}}


def _default_volume(volume: Obj) -> Obj:
    if len([key for key in volume if volume[key] is not None]) == 1:
        return {**volume, "emptyDir": {}}
    for kind in ("secret", "configMap", "projected", "downwardAPI"):
        if isinstance(volume.get(kind), dict):
            return {**volume, kind: {"defaultMode": 420, **volume[kind]}}
    if isinstance(volume.get("hostPath"), dict):
        return {**volume, "hostPath": {"type": "", **volume["hostPath"]}}
    return volume


def _quality(spec: Obj) -> str:
    """Tell the QoS class (kubernetes.io/docs/concepts/workloads/pods/pod-qos)."""
    containers = [*spec["containers"], *spec.get("initContainers", [])]
    resources = [one["resources"] for one in containers]
    if not any(one.get("limits") or one.get("requests") for one in resources):
        return "BestEffort"
    guaranteed = all(
        set(one.get("limits") or {}) >= {"cpu", "memory"}
        and one.get("requests", one["limits"]) == one["limits"]
        for one in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"


def check_update(before: Obj, after: Obj) -> None:
    """See that only those fields of a pod's spec change that may.

    Raises:
        ApiError: others do.
    """
    if _fixed(before["spec"]) != _fixed(after["spec"]):
        cause = errors.cause("Forbidden", f"Forbidden: {_MUTABLE}", "spec")
        raise errors.invalid("Pod", before["metadata"]["name"], [cause])


def _fixed(spec: Obj) -> Obj:
    free = ("activeDeadlineSeconds", "tolerations", "schedulingGates", "nodeSelector")
    fixed = {key: value for key, value in spec.items() if key not in free}
    for group in ("containers", "initContainers"):
        if group in fixed:
            fixed[group] = [{**container, "image": ""} for container in fixed[group]]
    return fixed
