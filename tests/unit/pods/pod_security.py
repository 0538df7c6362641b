"""The Pod Security Standards as Kubernetes publishes them: what `baseline` and `restricted` forbid.

Written down from https://kubernetes.io/docs/concepts/security/pod-security-standards/, and not made
from the code that has to keep them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_BASELINE_CAPABILITIES = {
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
}
_SECCOMP = {"RuntimeDefault", "Localhost"}
_SELINUX = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
_RESTRICTED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def baseline_violations(spec: dict[str, Any]) -> list[str]:
    """List what `baseline` forbids in a pod's spec, as Kubernetes writes it."""
    return [what for what, forbidden in _baseline(spec) if forbidden]


def restricted_violations(spec: dict[str, Any]) -> list[str]:
    """List what `restricted` forbids in a pod's spec."""
    return [what for what, forbidden in (*_baseline(spec), *_restricted(spec)) if forbidden]


def _baseline(spec: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    yield from ((name, bool(spec.get(name))) for name in ("hostNetwork", "hostPID", "hostIPC"))
    yield from (("hostPath", "hostPath" in volume) for volume in spec.get("volumes") or [])
    yield "sysctls", bool((spec.get("securityContext") or {}).get("sysctls"))
    for name, container in _containers(spec):
        context = container.get("securityContext") or {}
        added = set((context.get("capabilities") or {}).get("add") or [])
        yield f"{name}: capabilities", bool(added - _BASELINE_CAPABILITIES)
        yield f"{name}: privileged", bool(context.get("privileged"))
        yield f"{name}: procMount", context.get("procMount", "Default") != "Default"
        yield f"{name}: hostPort", any("hostPort" in port for port in container.get("ports") or [])
    for name, context in _contexts(spec):
        yield f"{name}: seccomp", _profile(context, "seccompProfile") == "Unconfined"
        yield f"{name}: apparmor", _profile(context, "appArmorProfile") == "Unconfined"
        selinux = context.get("seLinuxOptions") or {}
        yield f"{name}: selinux", selinux.get("type", "") not in _SELINUX


def _restricted(spec: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    for volume in spec.get("volumes") or []:
        yield f"volume {volume['name']}", bool(set(volume) - {"name"} - _RESTRICTED_VOLUMES)
    for name, container in _containers(spec):
        own = container.get("securityContext") or {}
        both = {**(spec.get("securityContext") or {}), **own}
        capabilities = own.get("capabilities") or {}
        added = set(capabilities.get("add") or [])
        yield f"{name}: escalation", own.get("allowPrivilegeEscalation") is not False
        yield f"{name}: runAsNonRoot", both.get("runAsNonRoot") is not True
        yield f"{name}: user 0", both.get("runAsUser") == 0
        yield f"{name}: seccomp", _profile(both, "seccompProfile") not in _SECCOMP
        yield f"{name}: drop", "ALL" not in (capabilities.get("drop") or [])
        yield f"{name}: add", bool(added - {"NET_BIND_SERVICE"})


def _containers(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(group) or []:
            yield container["name"], container


def _contexts(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "pod", spec.get("securityContext") or {}
    for name, container in _containers(spec):
        yield name, container.get("securityContext") or {}


def _profile(context: dict[str, Any], key: str) -> str:
    return str((context.get(key) or {}).get("type", ""))
