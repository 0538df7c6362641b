"""Fields of a pod that are accepted and not acted on; a pod that has them is told so."""

from __future__ import annotations

from gitlab_ci_cluster.kubelet.records import all_containers
from gitlab_ci_cluster.objects.meta import Obj

_POD_FIELDS = (
    "affinity",
    "dnsConfig",
    "hostIPC",
    "hostPID",
    "overhead",
    "priorityClassName",
    "resourceClaims",
    "resources",
    "runtimeClassName",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "topologySpreadConstraints",
)
_CONTAINER_FIELDS = ("restartPolicyRules", "resizePolicy", "volumeDevices")
_SECURITY_FIELDS = (
    "appArmorProfile",
    "procMount",
    "seLinuxOptions",
    "seccompProfile",
    "sysctls",
    "windowsOptions",
)


def unsupported_fields(spec: Obj) -> list[str]:
    """List the fields of a pod's spec that nothing here acts on."""
    found = [f"spec.{name}" for name in _POD_FIELDS if spec.get(name)]
    found += _security(spec, "spec")
    for container in all_containers(spec):
        where = f"spec.containers{{{container['name']}}}"
        found += [f"{where}.{name}" for name in _CONTAINER_FIELDS if container.get(name)]
        found += _security(container, where)
    return found


def _security(owner: Obj, where: str) -> list[str]:
    context = owner.get("securityContext") or {}
    return [f"{where}.securityContext.{name}" for name in _SECURITY_FIELDS if context.get(name)]
