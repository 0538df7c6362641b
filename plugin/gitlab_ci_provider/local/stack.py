"""Starting, finding and stopping the embedded stack."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local import processes
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes import Process
from gitlab_ci_provider.local.state import StackState, is_running, read_state

_START_SECONDS = 240
_STOP_SECONDS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """How to start a stack, see `supervisor.Options`."""

    port: int | None = None
    runtime: str = "auto"


@contextmanager
def running_stack(home: Home, options: StackOptions) -> Iterator[StackState]:
    """Attach to the stack that runs, or run one for as long as the block lasts.

    Raises:
        StackError: it could not start; the message says which part and why.
    """
    if is_running(home):
        yield _wait_attached(home)
        return
    process = _spawn(home, options, detached=False)
    try:
        yield _wait_ready(home, process)
    finally:
        processes.stop([process], _STOP_SECONDS)


def start_stack(home: Home, options: StackOptions) -> StackState:
    """Start a stack that outlives this process, unless one runs already."""
    if is_running(home):
        return _wait_attached(home)
    return _wait_ready(home, _spawn(home, options, detached=True))


def stop_stack(home: Home) -> bool:
    """Stop the stack and wait until it has gone; False when none was running.

    Raises:
        StackError: it does not end.
    """
    if not is_running(home):
        return False
    pid = int(home.lock.read_text() or 0)
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + _STOP_SECONDS
    while is_running(home):
        if time.monotonic() > end:
            raise StackError(f"the stack (process {pid}) does not end; see {home.logs}")
        time.sleep(0.05)
    return True


def _spawn(home: Home, options: StackOptions, *, detached: bool) -> Process:
    home.make()
    command = [sys.executable, "-P", "-m", "gitlab_ci_provider.local.supervisor", str(home.path)]
    command += ["--runtime", options.runtime]
    if options.port is not None:
        command += ["--port", str(options.port)]
    log = home.logs / "supervisor.log"
    if not detached:
        return processes.start("stack", command, environment={}, log=log)
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
        )
    return Process("stack", popen, log)


def _wait_ready(home: Home, process: Process) -> StackState:
    processes.wait_until(lambda: read_state(home) is not None, process, _START_SECONDS)
    state = read_state(home)
    if state is None:
        raise StackError(f"the stack ended while it started; see {process.log}")
    return state


def _wait_attached(home: Home) -> StackState:
    """Wait for a stack that somebody else starts."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and is_running(home):
        state = read_state(home)
        if state is not None:
            return state
        time.sleep(0.1)
    raise StackError(f"the stack in {home.path} is not ready; see {home.logs}")
