"""Whether the kernel has killed a process of a container because its memory was used up.

Engines notice only the death of the first process, and Podman with runc and cgroups of version 1
not even that. The kernel's own counter lies in the container's cgroup, which is there for a moment
longer than the container's processes.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from gitlab_ci_cluster.runtimes.process.cgroups import counts_kill

_ROOT = Path("/sys/fs/cgroup")


def counter_of(cgroups: str) -> Path | None:
    """Name the file with the counter, from the `/proc/PID/cgroup` of a process."""
    for line in cgroups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return _ROOT / "memory" / path.lstrip("/") / "memory.oom_control"
    for line in cgroups.splitlines():
        if line.startswith("0::"):
            return _ROOT / line.removeprefix("0::").lstrip("/") / "memory.events"
    return None


def counter_of_process(pid: int) -> Path | None:
    """Name the file with the counter for a process of a container; None if it has ended."""
    with suppress(OSError):
        return counter_of(Path(f"/proc/{pid}/cgroup").read_text()) if pid else None
    return None


def has_killed(counter: Path | None) -> bool:
    """Read the counter."""
    return counter is not None and counts_kill(counter)
