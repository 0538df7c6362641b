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
        """Where a process writes itself in."""
        return [str(self.path / "cgroup.procs")] if self.path else []

    def close(self) -> bool:
        """Remove it once all processes have ended; tell whether any was killed for memory."""
        if self.path is None:
            return False
        killed = any(
            _counts_kill(self.path / name) for name in ("memory.oom_control", "memory.events")
        )
        with suppress(OSError):
            self.path.rmdir()
        return killed


def _counts_kill(path: Path) -> bool:
    with suppress(OSError):
        words = path.read_text().split()
        return "oom_kill" in words and words[words.index("oom_kill") + 1] != "0"
    return False


class Cgroups:
    """The parent of all containers' cgroups; named after the cluster's directory.

    A cluster that was killed leaves its own behind, and the next one in that directory takes it
    over.
    """

    def __init__(self, directory: Path) -> None:
        name = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16]
        self._name = f"gitlab-ci-{name}"
        self._parent: Path | None = None

    def open(self) -> None:
        """Find a place where limits can be set; without one they are not kept."""
        for base, limit in ((_V1, "memory.limit_in_bytes"), (_V2, "memory.max")):
            parent = base / self._name
            with suppress(OSError):
                parent.mkdir(exist_ok=True)
                self._parent = parent
                if base == _V2:
                    (parent / "cgroup.subtree_control").write_text("+memory")
                if (parent / limit).exists():
                    return
                self.close()

    def create(self, name: str, memory_limit: int | None) -> Cgroup:
        """Make the cgroup of a container that has a limit."""
        if self._parent is None or memory_limit is None:
            return Cgroup()
        path = self._parent / name
        with suppress(OSError):
            path.mkdir()
            v2 = path / "memory.max"
            (v2 if v2.exists() else path / "memory.limit_in_bytes").write_text(str(memory_limit))
            return Cgroup(path)
        return Cgroup()

    def close(self) -> None:
        """Remove the parent and what is still below it."""
        if self._parent is None:
            return
        for path in (*self._parent.glob("*/"), self._parent):
            with suppress(OSError):
                path.rmdir()
        self._parent = None
