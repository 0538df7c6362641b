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
    "procMount",
    "seLinuxOptions",
    "sysctls",
    "windowsOptions",
)


def unsupported_fields(spec: Obj, *, has_profiles: bool) -> list[str]:
    """List the fields of a pod's spec that nothing here acts on.

    The default profiles of a runtime without profiles are none.

    Args:
        spec: of the pod.
        has_profiles: the runtime has AppArmor's profiles of the node.
    """
    found = [f"spec.{name}" for name in _POD_FIELDS if spec.get(name)]
    found += _security(spec, "spec", has_profiles)
    for container in all_containers(spec):
        where = f"spec.containers{{{container['name']}}}"
        found += [f"{where}.{name}" for name in _CONTAINER_FIELDS if container.get(name)]
        found += _security(container, where, has_profiles)
    return found


def _security(owner: Obj, where: str, has_profiles: bool) -> list[str]:
    context = owner.get("securityContext") or {}
    found = [name for name in _SECURITY_FIELDS if context.get(name)]
    if _of_the_node(context, "seccompProfile"):
        found.append("seccompProfile")
    if _of_the_node(context, "appArmorProfile") and not has_profiles:
        found.append("appArmorProfile")
    return [f"{where}.securityContext.{name}" for name in found]


def _of_the_node(context: Obj, name: str) -> bool:
    return (context.get(name) or {}).get("type") == "Localhost"
