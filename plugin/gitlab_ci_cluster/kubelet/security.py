"""Who a container runs as, and with which rights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitlab_ci_cluster.kubelet.environment import ConfigError
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.objects.quantity import parse_quantity
from gitlab_ci_cluster.runtimes.interface import User


def user_of(pod: Obj, container: Obj, container_name: str) -> User | None:
    """Return who a container runs as; None is who the cluster runs as.

    Raises:
        ConfigError: the pod forbids root, and nobody else is named.
    """
    context = {**_pod_context(pod), **container.get("securityContext", {})}
    uid, gid = context.get("runAsUser"), context.get("runAsGroup")
    if context.get("runAsNonRoot") and not uid:
        metadata = pod["metadata"]
        where = f'pod: "{metadata["name"]}_{metadata["namespace"]}({metadata["uid"]})"'
        raise ConfigError(
            "container has runAsNonRoot and image will run as root "
            f"({where}, container: {container_name})"
        )
    groups = list(context.get("supplementalGroups") or [])
    if context.get("fsGroup") is not None:
        groups.append(context["fsGroup"])
    if uid is None and gid is None and not groups:
        return None
    return User(uid=uid, gid=gid, groups=tuple(dict.fromkeys(groups)))


def fs_group(pod: Obj) -> int | None:
    """Return the group that owns the pod's volumes."""
    return _pod_context(pod).get("fsGroup")


def rights(pod: Obj, container: Obj) -> dict[str, Any]:
    """Return the arguments of `ContainerConfig` that say what a container may do."""
    context = container.get("securityContext", {})
    capabilities = context.get("capabilities", {})
    both = {**_pod_context(pod), **context}
    return {
        "read_only_root": bool(context.get("readOnlyRootFilesystem")),
        "privileged": bool(context.get("privileged")),
        "no_new_privileges": context.get("allowPrivilegeEscalation") is False,
        "profiles": tuple(_profiles(both)),
        "add_capabilities": _names(capabilities.get("add")),
        "drop_capabilities": _names(capabilities.get("drop")),
    }


def _profiles(context: Obj) -> Iterator[str]:
    """List the profiles that are not the runtime's own; a seccomp profile is a file of the node."""
    if (context.get("seccompProfile") or {}).get("type") == "Unconfined":
        yield "seccomp=unconfined"
    app_armor = context.get("appArmorProfile") or {}
    if app_armor.get("type") == "Unconfined":
        yield "apparmor=unconfined"
    elif app_armor.get("type") == "Localhost":
        yield f"apparmor={app_armor['localhostProfile']}"


def cpu_limit(container: Obj) -> float | None:
    """Return how many processors a container may use."""
    limit = container.get("resources", {}).get("limits", {}).get("cpu")
    return float(parse_quantity(limit)) if limit is not None else None


def memory_limit(container: Obj) -> int | None:
    """Return how much memory a container may use, in bytes."""
    limit = container.get("resources", {}).get("limits", {}).get("memory")
    return int(parse_quantity(limit)) if limit is not None else None


def _names(capabilities: list[str] | None) -> frozenset[str]:
    return frozenset(name.upper().removeprefix("CAP_") for name in capabilities or [])


def _pod_context(pod: Obj) -> Obj:
    context: Obj = pod["spec"].get("securityContext") or {}
    return context
