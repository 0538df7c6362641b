"""From a container of the kubelet to a process of the fork server."""

from __future__ import annotations

import os

from gitlab_ci_cluster.runtimes.interface import (
    ContainerConfig,
    PodConfig,
    RuntimeConfig,
    User,
)
from gitlab_ci_cluster.runtimes.process.spec import (
    HOME,
    LAYERS,
    POINT,
    Level,
    ProcessSpec,
    RootSpec,
)

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DEFAULT_COMMAND = ("/bin/sh",)

_CAPABILITIES = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "DAC_READ_SEARCH": 2,
    "FOWNER": 3,
    "FSETID": 4,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "SETPCAP": 8,
    "LINUX_IMMUTABLE": 9,
    "NET_BIND_SERVICE": 10,
    "NET_BROADCAST": 11,
    "NET_ADMIN": 12,
    "NET_RAW": 13,
    "IPC_LOCK": 14,
    "IPC_OWNER": 15,
    "SYS_MODULE": 16,
    "SYS_RAWIO": 17,
    "SYS_CHROOT": 18,
    "SYS_PTRACE": 19,
    "SYS_PACCT": 20,
    "SYS_ADMIN": 21,
    "SYS_BOOT": 22,
    "SYS_NICE": 23,
    "SYS_RESOURCE": 24,
    "SYS_TIME": 25,
    "SYS_TTY_CONFIG": 26,
    "MKNOD": 27,
    "LEASE": 28,
    "AUDIT_WRITE": 29,
    "AUDIT_CONTROL": 30,
    "SETFCAP": 31,
    "MAC_OVERRIDE": 32,
    "MAC_ADMIN": 33,
    "SYSLOG": 34,
    "WAKE_ALARM": 35,
    "BLOCK_SUSPEND": 36,
    "AUDIT_READ": 37,
    "PERFMON": 38,
    "BPF": 39,
    "CHECKPOINT_RESTORE": 40,
}
_DEFAULT_CAPABILITIES = frozenset(
    [
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "SETGID",
        "SETUID",
        "SETPCAP",
        "NET_BIND_SERVICE",
        "NET_RAW",
        "SYS_CHROOT",
        "AUDIT_WRITE",
        "SETFCAP",
    ]
)
"""containerd's, without MKNOD: no device cgroup protects the host's disks here."""


def process_spec(
    pod: PodConfig,
    config: ContainerConfig,
    runtime: RuntimeConfig,
    level: Level,
) -> ProcessSpec:
    """Say how to start a container."""
    return {
        "argv": list(config.argv or _DEFAULT_COMMAND),
        "env": environment(pod, config, level, runtime.paths.get(config.image)),
        "cwd": config.cwd or "/",
        "mounts": [
            {"source": str(mount.source), "target": mount.target, "read_only": mount.read_only}
            for mount in config.mounts
        ],
        "root": None if level == "plain" else _root(pod, config, runtime),
        "pod": pod.uid,
        "user": _user(config.user) if config.user else None,
        "keep_capabilities": None if level == "plain" else capabilities(config),
        "no_new_privileges": config.no_new_privileges,
        "cgroups": [],
        "tty": config.tty,
    }


def _user(user: User) -> tuple[int, int, list[int]]:
    uid = os.geteuid() if user.uid is None else user.uid
    return uid, user.gid or 0, list(user.groups)


def environment(
    pod: PodConfig, config: ContainerConfig, level: Level, first_path: str | None
) -> dict[str, str]:
    """Give a container what an image would, and the pod's own variables; nothing of ours."""
    path = config.env.get("PATH", PATH)
    return {
        "HOSTNAME": pod.hostname,
        "HOME": HOME if level != "plain" else str(pod.directory),
        **config.env,
        "PATH": f"{first_path}:{path}" if first_path else path,
    }


def capabilities(config: ContainerConfig) -> list[int] | None:
    """Number the capabilities that a container keeps; None is all."""
    if config.privileged:
        return None
    names = set(_CAPABILITIES if "ALL" in config.add_capabilities else _DEFAULT_CAPABILITIES)
    dropped = set(_CAPABILITIES) if "ALL" in config.drop_capabilities else config.drop_capabilities
    kept = (names - dropped) | (config.add_capabilities - {"ALL"})
    return sorted(_CAPABILITIES[name] for name in kept if name in _CAPABILITIES)


def _root(pod: PodConfig, config: ContainerConfig, runtime: RuntimeConfig) -> RootSpec:
    cluster = runtime.directory.resolve()
    return {
        "layers": str(cluster / "root" / LAYERS / pod.uid / config.id),
        "point": str(cluster / "root" / POINT),
        "hide": [str(cluster), *(str(path.resolve()) for path in runtime.hidden)],
        "read_only": config.read_only_root,
        "privileged": config.privileged,
    }
