"""Whether the kernel has killed a process of a container because its memory was used up.

Engines notice only the death of the first process, and Podman with runc and cgroups of version 1
not even that. The kernel's own counter lies in the container's cgroup, which is there for a moment
longer than the container's processes.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

from gitlab_ci_cluster.runtimes.process.cgroups import counts_kill

_ROOT = Path("/sys/fs/cgroup")
_V1 = "memory.oom_control"

_REMOVAL_SECONDS = 0.25
"""How long the signal of a removal is waited for; it takes a tenth of that."""

_LOOK_SECONDS = 0.005


def counter_of(cgroups: str) -> Path | None:
    """Name the file with the counter, from the `/proc/PID/cgroup` of a process."""
    for line in cgroups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return _ROOT / "memory" / path.lstrip("/") / _V1
    for line in cgroups.splitlines():
        if line.startswith("0::"):
            return _ROOT / line.removeprefix("0::").lstrip("/") / "memory.events"
    return None


def counter_of_process(pid: int) -> Path | None:
    """Name the file with the counter for a process of a container; None if it has ended."""
    with suppress(OSError):
        return counter_of(Path(f"/proc/{pid}/cgroup").read_text()) if pid else None
    return None


class KillCounter:
    """The kernel's counter of a container that has begun.

    A busy machine may remove the cgroup before it is read. Cgroups of version 1 can be listened to
    as well: each time memory is used up gives a signal, and so does the removal itself.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._event = _listen(path)

    async def has_killed(self) -> bool:
        """Return whether a process was killed; to be called once, at the container's end."""
        try:
            killed = counts_kill(self._path)
            return killed if killed or self._path.exists() else await self._had_signals()
        finally:
            if self._event is not None:
                os.close(self._event)

    async def _had_signals(self) -> bool:
        """Return whether there were signals before the removal's, which comes a little later."""
        signals = 0
        end = time.monotonic() + _REMOVAL_SECONDS
        while self._event is not None and signals < 2 and time.monotonic() < end:
            with suppress(BlockingIOError):
                signals += os.eventfd_read(self._event)
            await asyncio.sleep(_LOOK_SECONDS)
        return signals > 1


def _listen(counter: Path) -> int | None:
    """Have signals counted by a descriptor; None where that is impossible or not allowed."""
    if counter.name != _V1:
        return None
    event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    try:
        with counter.open() as file:
            (counter.parent / "cgroup.event_control").write_text(f"{event} {file.fileno()}")
    except OSError:
        os.close(event)
        return None
    return event
