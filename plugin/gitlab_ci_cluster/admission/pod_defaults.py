"""Defaults and checks of pods, as the API server of Kubernetes 1.36 has them."""

from __future__ import annotations

from gitlab_ci_cluster.admission.metadata import metadata_causes
from gitlab_ci_cluster.admission.pod_validation import spec_causes
from gitlab_ci_cluster.objects import errors
from gitlab_ci_cluster.objects.meta import Obj, timestamp

_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_MUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def prepare_pod(obj: Obj) -> Obj:
    """Check a new pod and fill in the defaults.

    Raises:
        ApiError: it is not valid.
    """
    spec = obj.get("spec") or {}
    causes = [*metadata_causes(obj["metadata"]), *spec_causes(spec)]
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
    if spec["terminationGracePeriodSeconds"] < 0:
        spec["terminationGracePeriodSeconds"] = 1
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
    """A limit without a request is also the request."""
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
    """Return the QoS class (kubernetes.io/docs/concepts/workloads/pods/pod-qos)."""
    containers = [*spec["containers"], *spec.get("initContainers", [])]
    asked = [container["resources"] for container in containers]
    if not any(resources.get("limits") or resources.get("requests") for resources in asked):
        return "BestEffort"
    guaranteed = all(
        set(resources.get("limits") or {}) >= {"cpu", "memory"}
        and resources.get("requests", resources["limits"]) == resources["limits"]
        for resources in asked
    )
    return "Guaranteed" if guaranteed else "Burstable"


def check_update(before: Obj, after: Obj) -> None:
    """Check that only mutable fields of a pod's spec change.

    Raises:
        ApiError: other fields do.
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
