"""Waiting for what other processes do."""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_FIFO_OPENING = {"wait_for_partner", "fifo_open"}


PATIENCE = 600
"""Seconds until a wait fails. Slow is not broken: only what never comes should fail a test."""


STILL_SECONDS = 240
"""So long nothing may move: longer than any single step of these tests takes."""


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


def wait_while_moving(
    condition: Callable[[], object], seen: Callable[[], object], what: str, pause: float = 0.2
) -> None:
    """Wait until something holds, for as long as what is seen of it changes.

    A slow machine has all the time that it needs.
    """
    last, since = seen(), time.monotonic()

    def is_over() -> bool:
        nonlocal last, since
        if condition():
            return True
        now = seen()
        if now != last:
            last, since = now, time.monotonic()
        still = time.monotonic() - since
        assert still < STILL_SECONDS, f"nothing moves before {what} for {still:.0f} s: {last}"
        return False

    wait_until(is_over, what, math.inf, pause)


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
