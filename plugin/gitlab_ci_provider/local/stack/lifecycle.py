"""Start, find and stop the embedded stack.

A start goes on in the background: `spawn_stack`, then something else, then `wait_for_stack`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.process import clean_environment, open_log, tail
from gitlab_ci_provider.local.processes.stalls import Patience, movement
from gitlab_ci_provider.local.processes.steps import Step, read_steps
from gitlab_ci_provider.local.stack.locks import hold
from gitlab_ci_provider.local.stack.state import (
    StackState,
    clear_state,
    is_running,
    read_state,
    supervisor_pid,
)
from gitlab_ci_provider.local.stack.use import attached, write_idle_minutes

Tell = Callable[[Step], None]

IDLE_MINUTES = "GITLAB_DAGS_IDLE_MINUTES"
DEFAULT_IDLE_MINUTES = 30

_LOOK_SECONDS = 0.1
_LOOKS_A_GLANCE = 10
_FULL_BYTES = 1 << 20
_PATIENCE_SECONDS = 900
"""Longer than the supervisor's own limits for its parts: it knows better what hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """How to start a stack.

    Attributes:
        port: of Airflow; None for 8080 or, when that is taken, any.
        idle_minutes: the stack stops after so many minutes without use, 0 means never; None means
            GITLAB_DAGS_IDLE_MINUTES from the environment, or half an hour.
    """

    port: int | None = None
    runtime: str = "auto"
    idle_minutes: float | None = None


@contextmanager
def running_stack(home: Home, options: StackOptions) -> Iterator[StackState]:
    """Use the running stack, or run one for as long as the block lasts.

    Raises:
        StackError: it could not start; the message says which part and why.
    """
    spawned = spawn_stack(home, options)
    try:
        with attached(home):
            yield wait_for_stack(home)
    finally:
        if spawned:
            stop_stack(home)


def spawn_stack(home: Home, options: StackOptions) -> bool:
    """Begin to start a stack that outlives this process; False when one is running.

    In a running stack only the idle minutes are changed, if they are given. When several commands
    start a stack at the same time, only one does: it clears the state of a killed stack, and a
    second one could clear the state of the stack that has just started.
    """
    home.make()
    with hold(home.starting):
        running = is_running(home)
        if not running or options.idle_minutes is not None:
            write_idle_minutes(home, idle_minutes(options))
        if not running:
            _spawn(home, options)
    return not running


def _spawn(home: Home, options: StackOptions) -> None:
    """Start a supervisor and wait until it holds the stack's lock."""
    clear_state(home)
    home.steps.unlink(missing_ok=True)
    with open_log(home.logs / "supervisor.log") as output:
        process = subprocess.Popen(
            _command(home, options),
            env=clean_environment({}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
        )
    while not is_running(home) and process.poll() is None:
        time.sleep(_LOOK_SECONDS / 10)


def wait_for_stack(home: Home, tell: Tell = lambda _: None) -> StackState:
    """Wait until a starting stack is ready; report each step as it happens.

    Raises:
        StackError: the stack has ended, or does nothing for a long time.
    """
    log = home.logs / "supervisor.log"
    patience = Patience(lambda: movement(supervisor_pid(home), home.steps, log), _PATIENCE_SECONDS)
    told = looks = 0
    while True:
        running, state, steps = is_running(home), read_state(home), read_steps(home.steps)
        for step in steps[told:]:
            tell(step)
        told, looks = len(steps), looks + 1
        if state is not None:
            return state
        if not running:
            raise StackError(_why_it_ended(home))
        if looks % _LOOKS_A_GLANCE == 0 and patience.is_over():
            raise StackError(f"the stack has made no progress for a long time; see {home.logs}")
        time.sleep(_LOOK_SECONDS)


def stop_stack(home: Home) -> bool:
    """Stop the stack and wait until it is gone; False when none was running.

    Raises:
        StackError: it does not stop.
    """
    if not is_running(home):
        return False
    while not (pid := supervisor_pid(home)):  # it has just taken the lock
        if not is_running(home):
            return False
        time.sleep(_LOOK_SECONDS / 10)
    os.kill(pid, signal.SIGTERM)
    patience = Patience(lambda: movement(pid, home.logs / "supervisor.log"))
    while is_running(home):
        if patience.is_over():
            raise StackError(f"the stack (process {pid}) does not stop; see {home.logs}")
        time.sleep(_LOOK_SECONDS / 2)
    return True


def _command(home: Home, options: StackOptions) -> list[str]:
    command = [
        sys.executable,
        "-P",
        "-m",
        "gitlab_ci_provider.local.stack.supervisor",
        str(home.path),
    ]
    command += ["--runtime", options.runtime]
    if options.port is not None:
        command += ["--port", str(options.port)]
    return command


def idle_minutes(options: StackOptions) -> float:
    """Read how long an unused stack keeps running.

    Raises:
        StackError: the variable is not a number.
    """
    if options.idle_minutes is not None:
        return options.idle_minutes
    given = os.environ.get(IDLE_MINUTES, "")
    try:
        return float(given or DEFAULT_IDLE_MINUTES)
    except ValueError as error:
        raise StackError(f"{IDLE_MINUTES} must be a number of minutes, not {given!r}") from error


def _why_it_ended(home: Home) -> str:
    """Say why the supervisor stopped: the step that failed, or the end of its log.

    On a full disk it cannot write either.
    """
    if shutil.disk_usage(home.path).free < _FULL_BYTES:
        return f"the disk of {home.path} is full"
    log = home.logs / "supervisor.log"
    failed = [step.message for step in read_steps(home.steps) if step.state == "failed"]
    if failed:
        return failed[-1]
    return f"the stack stopped while starting; the end of {log}:\n{tail(log)}"
