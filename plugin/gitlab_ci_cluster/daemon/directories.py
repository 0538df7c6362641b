"""The directories of a cluster: one cluster per directory, nothing left behind when it stops."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO

from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.files import remove_tree

RUNTIME_FILE = "runtime"
"""Holds the name of the chosen runtime while a cluster runs, for those who start it."""

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
_LOCK_TRIES = 50
_LOCK_PAUSE_SECONDS = 0.1


class Directories:
    """What a cluster keeps on this machine; all of it is deleted with the cluster.

    Attributes:
        pods: files of pods.
        runtime: says which runtime was chosen.
        memory: the same in memory, for Secrets and `medium: Memory`.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.pods = base / "pods"
        self.kubeconfig = base / "kubeconfig"
        self.runtime = base / RUNTIME_FILE
        name = hashlib.sha256(str(base.resolve()).encode()).hexdigest()[:16]
        parent = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else base
        self.memory = parent / f"gitlab-ci-{os.getuid()}-{name}"

    @property
    def of_pods(self) -> tuple[Path, ...]:
        """What must not survive the cluster."""
        return (self.kubeconfig, self.runtime, self.pods, self.memory, self.base / "root")

    async def lock(self) -> IO[bytes]:
        """Take the directory once a cluster that was just killed has released it, and clean it.

        Raises:
            ClusterError: another cluster has it.
        """
        self.base.mkdir(parents=True, exist_ok=True)
        self.base.chmod(0o700)
        file = (self.base / "lock").open("ab")
        for _ in range(_LOCK_TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(_LOCK_PAUSE_SECONDS)
            else:
                self._prepare()
                return file
        file.close()
        raise ClusterError(f"another embedded cluster uses {self.base}; stop it first")

    def _prepare(self) -> None:
        """Move what a killed cluster left behind out of the way, and start from scratch."""
        self.kubeconfig.unlink(missing_ok=True)
        self.runtime.unlink(missing_ok=True)
        remove_tree(self.memory)
        for path in (self.pods, self.base / "root"):
            if path.exists():
                path.rename(Path(tempfile.mkdtemp(prefix="trash-", dir=self.base)) / path.name)
        for path in (self.pods, self.memory):
            path.mkdir(mode=0o700)

    def remove_trash(self) -> None:
        """Delete what was moved out of the way."""
        for path in self.base.glob("trash-*"):
            remove_tree(path)

    def clean(self) -> None:
        """Delete all that belongs to pods."""
        self.remove_trash()
        for path in self.of_pods:
            remove_tree(path)
