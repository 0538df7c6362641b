"""What a git that was killed leaves in a mirror: locks that would keep every later one out."""

from __future__ import annotations

import time
from pathlib import Path

_LOOK_SECONDS = 0.2


def clear_locks(mirror: Path, ours: str) -> None:
    """Remove the locks that git has left, once none of its processes works there.

    Args:
        mirror: whose own lock, named `ours`, the caller holds: no git that lives is anybody's but
            an orphan's, and that one ends by itself.
        ours: the name of that lock.
    """
    left = [path for path in mirror.glob("*.lock") if path.name != ours]
    while left and _is_busy(mirror):
        time.sleep(_LOOK_SECONDS)
    for path in left:
        path.unlink(missing_ok=True)


def _is_busy(mirror: Path) -> bool:
    """Tell whether a git works in a folder; where there is no `/proc`, none is seen."""
    return any(_works_in(path, str(mirror).encode()) for path in Path("/proc").glob("[0-9]*"))


def _works_in(process: Path, folder: bytes) -> bool:
    try:
        program, *arguments = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return program.rpartition(b"/")[2] == b"git" and folder in arguments
