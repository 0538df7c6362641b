"""Memory limits, where the machine lets us set them (cgroup v1 or v2)."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_V1 = Path("/sys/fs/cgroup/memory")
_V2 = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The limits of one container; `path` None is none."""

    path: Path | None = None

    @property
    def join_files(self) -> list[str]:
        """Files to which a process writes its PID to join the cgroup."""
        return [str(self.path / "cgroup.procs")] if self.path else []

    def close(self) -> bool:
        """Remove it once all processes have ended; tell whether any was killed for memory."""
        if self.path is None:
            return False
        killed = any(
            counts_kill(self.path / name) for name in ("memory.oom_control", "memory.events")
        )
        with suppress(OSError):
            self.path.rmdir()
        return killed


def counts_kill(path: Path) -> bool:
    """Read whether a cgroup's file counts a process that was killed for memory."""
    with suppress(OSError):
        words = path.read_text().split()
        return "oom_kill" in words and words[words.index("oom_kill") + 1] != "0"
    return False


class Cgroups:
    """The parent of all containers' cgroups; named after the cluster's directory.

    Attributes:
        paths: where the parent may be; to be removed should the cluster die.
    """

    def __init__(self, directory: Path) -> None:
        name = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16]
        self.paths = (_V1 / f"gitlab-ci-{name}", _V2 / f"gitlab-ci-{name}")

    def create(self, name: str, memory_limit: int | None) -> Cgroup:
        """Make the cgroup of a container that has a limit, where the machine allows it."""
        if memory_limit is None:
            return Cgroup()
        for parent, limit in zip(self.paths, ("memory.limit_in_bytes", "memory.max"), strict=True):
            with suppress(OSError):
                parent.mkdir(exist_ok=True)
                if limit == "memory.max":
                    (parent / "cgroup.subtree_control").write_text("+memory")
                path = parent / name
                path.mkdir()
                (path / limit).write_text(str(memory_limit))
                return Cgroup(path)
        return Cgroup()

    def close(self) -> None:
        """Remove the parents and what is still below them."""
        for parent in self.paths:
            for path in (*parent.glob("*/"), parent):
                with suppress(OSError):
                    path.rmdir()
