"""The names of runtimes, for those who only choose one: no runtime is imported for them."""

from __future__ import annotations

import os
from typing import Literal, cast, get_args

from gitlab_ci_cluster.exceptions import ClusterError

RuntimeName = Literal["auto", "docker", "podman", "process", "root", "user", "plain", "inert"]
"""`auto` is an engine if one works, else `process`, the best level that works; a level's own name
takes no other."""

VARIABLE = "GITLAB_CI_CLUSTER_RUNTIME"
"""Says what `auto` is to be."""

PROCESSES = frozenset({"process", "root", "user", "plain"})
"""What honours no images."""


def wanted_runtime(name: RuntimeName) -> RuntimeName:
    """Return what is asked for, by name or by the environment.

    Raises:
        ClusterError: the environment names no runtime.
    """
    if name != "auto" or not (given := os.environ.get(VARIABLE)):
        return name
    for known in get_args(RuntimeName):
        if given == known:
            return cast("RuntimeName", known)
    raise ClusterError(f"{VARIABLE} is {given!r}, not one of {', '.join(get_args(RuntimeName))}")
