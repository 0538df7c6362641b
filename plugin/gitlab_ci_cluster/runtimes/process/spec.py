"""What the fork server is told about a process to start; plain JSON values, see `fork_server`.

Imported by the fork server, hence only the standard library and no other module of ours.
"""

from __future__ import annotations

from typing import Literal, TypedDict

Level = Literal["root", "user", "plain"]
"""How well a container is isolated: namespaces of root, of a user, or only a process group."""

LAYERS = "layers"
POINT = "point"
"""Directories below the cluster's `root`: what containers write, and where roots are built."""

HOME = "/pod-home"
"""HOME of every container: private and empty, so that nobody's dot files reach a job."""


class MountSpec(TypedDict):
    """One volume mount."""

    source: str
    target: str
    read_only: bool


class RootSpec(TypedDict):
    """The private root of a container.

    Keys:
        layers: an empty directory for what the container writes.
        point: an empty directory to build the root at; it may be shared, mounts are private.
        hide: directories of the host that no container sees.
    """

    layers: str
    point: str
    hide: list[str]
    read_only: bool
    privileged: bool


class ProcessSpec(TypedDict):
    """A process to start.

    Keys:
        pod: key of the namespaces that the containers of a pod share.
        user: uid, gid and further groups; None stays who we are.
        keep_capabilities: numbers; None keeps all.
        cgroups: `cgroup.procs` files to join.
    """

    argv: list[str]
    env: dict[str, str]
    cwd: str
    mounts: list[MountSpec]
    root: RootSpec | None
    pod: str
    user: tuple[int, int, list[int]] | None
    keep_capabilities: list[int] | None
    no_new_privileges: bool
    cgroups: list[str]
    tty: bool
