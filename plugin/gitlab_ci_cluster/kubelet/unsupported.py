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

    Args:
        spec: of the pod.
        has_profiles: the runtime has profiles of seccomp and AppArmor, and can do without.
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
    seccomp = (context.get("seccompProfile") or {}).get("type")
    if seccomp and (seccomp == "Localhost" or not has_profiles):
        found.append("seccompProfile")
    if context.get("appArmorProfile") and not has_profiles:
        found.append("appArmorProfile")
    return [f"{where}.securityContext.{name}" for name in found]
