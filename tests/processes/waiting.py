"""Waiting for what other processes do."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_FIFO_OPENING = {"wait_for_partner", "fifo_open"}


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait until something holds; fails with its name when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.005)


def wait_until_blocked(pid: int) -> None:
    """Wait until a process sleeps in the opening of a FIFO."""
    path = Path(f"/proc/{pid}/wchan")
    wait_until(lambda: path.read_text() in _FIFO_OPENING, "a process that opens a FIFO")


def wait_until_session_ends(session: int) -> None:
    """Wait until no process of a session is left; zombies count as gone."""
    command = ["pgrep", "--session", str(session), "--runstates", "D,R,S,T"]
    wait_until(
        lambda: subprocess.run(command, capture_output=True, check=False).returncode == 1,
        f"the end of session {session}",
    )
