"""Processes and those that they have started.

`psutil` knows a process by its ID and its start time, so nothing here affects another process
that was given the ID of one that has ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psutil import Process


def children(pid: int) -> list[int]:
    """List the processes that a process has started."""
    return [child.pid for child in _below(pid, recursive=False)]


def descendants(pid: int) -> list[int]:
    """List all processes below a process, each after those that it has started."""
    return [process.pid for process in _below(pid, recursive=True)]


def cpu_seconds(pid: int) -> float:
    """Add up the processor time of a process and of all below it, including ended ones."""
    return sum(map(_own_cpu_seconds, _tree(pid)))


def kill_tree(pid: int) -> None:
    """Kill a process and all below it."""
    import psutil

    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _tree(pid: int) -> Iterator[Process]:
    """Yield the processes below a process, then the process itself; none when it has ended."""
    import psutil

    yield from _below(pid, recursive=True)
    with suppress(psutil.NoSuchProcess):
        yield psutil.Process(pid)


def _below(pid: int, *, recursive: bool) -> list[Process]:
    import psutil

    try:
        return psutil.Process(pid).children(recursive=recursive)[::-1]
    except psutil.NoSuchProcess:
        return []


def _own_cpu_seconds(process: Process) -> float:
    import psutil

    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
