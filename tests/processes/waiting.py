"""Waiting for what other processes do."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_FIFO_OPENING = {"wait_for_partner", "fifo_open"}


PATIENCE = 600
"""Seconds until a wait fails. Slow is not broken: only what never comes should fail a test."""


def wait_until(
    condition: Callable[[], object], what: str, seconds: float = PATIENCE, pause: float = 0.005
) -> None:
    """Wait until something holds; fails with its name when it never does.

    The only place in the tests that sleeps: between two looks at what gives no signal.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(pause)


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
