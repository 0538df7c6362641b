"""Processes and those that they have started, as the kernel tells of them in /proc."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_CPU_FIELDS = slice(11, 15)
"""Of `stat` after the name: user and system time of the process, and of its ended children."""


def children(pid: int) -> list[int]:
    """List the processes that any thread of a process has started."""
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in listing.read_text().split()]
        except OSError:
            continue
    return found


def descendants(pid: int) -> list[int]:
    """List all processes below a process, the deepest first."""
    below = children(pid)
    return [grandchild for child in below for grandchild in descendants(child)] + below


def cpu_seconds(pid: int) -> float:
    """Add up the processor time of a process and of all below it, the ended ones included."""
    return sum(map(_own_cpu_seconds, (pid, *descendants(pid))))


def _own_cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[_CPU_FIELDS])) / _TICKS_PER_SECOND
