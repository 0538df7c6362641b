"""The `/dev` of a container: its own, with the few devices that every program expects."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from gitlab_ci_cluster.runtimes.process import linux

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "core": "/proc/kcore",
    "ptmx": "pts/ptmx",
}


def add(dev: str, *, privileged: bool) -> None:
    """Fill a directory; a privileged container gets all devices of the machine."""
    linux.mount("tmpfs", dev, "tmpfs", linux.MS_NOSUID, "mode=755")
    names = [entry.name for entry in os.scandir("/dev")] if privileged else _DEVICES
    for name in names:
        if not Path("/dev", name).is_symlink() and name not in {"pts", "shm", "mqueue"}:
            _add(name, dev)
    for name, target in _LINKS.items():
        with suppress(FileExistsError):
            Path(dev, name).symlink_to(target)
    for name in ("pts", "shm"):
        Path(dev, name).mkdir()
    options = "newinstance,ptmxmode=0666,mode=620"
    linux.mount("devpts", f"{dev}/pts", "devpts", linux.MS_NOSUID | linux.MS_NOEXEC, options)
    linux.mount("tmpfs", f"{dev}/shm", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=1777")


def _add(name: str, dev: str) -> None:
    source, target = Path("/dev", name), Path(dev, name)
    with suppress(OSError):  # a device that this machine lacks or forbids
        target.mkdir() if source.is_dir() else target.touch()
        linux.bind(str(source), str(target))
