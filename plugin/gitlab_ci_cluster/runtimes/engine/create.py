"""From a container of the kubelet to what the engine is asked to create."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gitlab_ci_cluster.runtimes.interface import ContainerConfig, Image, Mount, PodConfig, User

CLUSTER_LABEL = "io.gitlab-ci.cluster"
"""Whose a container is: what a cluster leaves is found by it."""

_POD_LABEL = "io.gitlab-ci.pod"
_NANO = 1_000_000_000

LogConfig = Mapping[str, object]

NO_LOG: LogConfig = {"Type": "none"}
"""The cluster keeps the log; the engine's own copy would only fill the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who creates containers, and how this engine has to be asked.

    Attributes:
        cluster: the value of the label.
        limits: `ulimit`s that the engine cannot find out itself.
    """

    cluster: str
    limits: Mapping[str, int] = field(default_factory=dict)


def create_body(
    pod: PodConfig, config: ContainerConfig, owner: Owner, *, image: Image, log: LogConfig
) -> dict[str, Any]:
    """Describe a container to the engine."""
    body: dict[str, Any] = {
        "Image": image.id,
        "Env": [f"{name}={value}" for name, value in config.env.items()],
        "Hostname": pod.hostname,
        "Labels": {CLUSTER_LABEL: owner.cluster, _POD_LABEL: f"{pod.namespace}/{pod.name}"},
        "AttachStdout": True,
        "AttachStderr": True,
        "OpenStdin": config.stdin,
        "Tty": config.tty,
        "HostConfig": {**_host_config(config, owner), "LogConfig": dict(log)},
    }
    if config.own_program and config.argv:
        body |= {"Entrypoint": list(config.argv), "Cmd": []}
    elif config.argv:
        body["Cmd"] = list(config.argv)
    if config.cwd:
        body["WorkingDir"] = config.cwd
    if config.user and (named := _user(config.user, image.user)):
        body["User"] = named
    return body


def _host_config(config: ContainerConfig, owner: Owner) -> dict[str, Any]:
    host: dict[str, Any] = {
        "NetworkMode": "host",
        "Mounts": [_mount(mount) for mount in config.mounts],
        "Privileged": config.privileged,
        "ReadonlyRootfs": config.read_only_root,
        "CapAdd": sorted(config.add_capabilities),
        "CapDrop": sorted(config.drop_capabilities),
        "SecurityOpt": _security_options(config),
        "GroupAdd": [str(group) for group in config.user.groups] if config.user else [],
    }
    if config.memory_limit:
        host |= {"Memory": config.memory_limit, "MemorySwap": config.memory_limit}
    if config.cpu_limit:
        host["NanoCpus"] = int(config.cpu_limit * _NANO)
    if owner.limits:
        host["Ulimits"] = [
            {"Name": name, "Soft": most, "Hard": most} for name, most in owner.limits.items()
        ]
    return host


def _mount(mount: Mount) -> dict[str, Any]:
    return {
        "Type": "bind",
        "Source": str(mount.source),
        "Target": mount.target,
        "ReadOnly": mount.read_only,
    }


def _security_options(config: ContainerConfig) -> list[str]:
    # Volumes are directories of this machine, which SELinux would keep from containers.
    options = ["label=disable"]
    if config.no_new_privileges:
        options.append("no-new-privileges")
    return [*options, *config.profiles]


def _user(user: User, image_user: str) -> str:
    """Name user and group; a group alone is one for the image's own user."""
    uid = str(user.uid) if user.uid is not None else ""
    if user.gid is None:
        return uid
    return f"{uid or image_user.partition(':')[0] or '0'}:{user.gid}"
