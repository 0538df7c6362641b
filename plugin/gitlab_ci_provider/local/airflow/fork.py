"""Forks processes from one that has everything imported."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from gitlab_ci_provider.local.processes.process import die_with

_FAILED = 1


def fork(run: Callable[[], object], *, log: Path | None = None) -> int:
    """Run a function in a child process of its own session, which dies with this process.

    Args:
        run: what to run; its exit code is that of a program.
        log: where the child's output is appended; None shares the output of this process.
    """
    flush()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        become(run, parent, log)
    return pid


def become(run: Callable[[], object], parent: int, log: Path | None = None) -> NoReturn:
    """Run the function for which this process was just forked."""
    try:
        die_with(parent, signal.SIGKILL)
        os.setsid()
        _reset_signals()
        if log is not None:
            _write_to(log)
        run()
    except SystemExit as end:
        _leave(_exit_code(end.code))
    except BaseException:  # noqa: BLE001 - the child must never go on as its parent
        traceback.print_exc()
        _leave(_FAILED)
    _leave(0)


def take_children_along() -> None:
    """Have the kernel kill all processes that this one forks from now on when it dies."""
    parent = os.getpid()
    os.register_at_fork(after_in_child=lambda: _die_with_the_one_above(parent))


def _die_with_the_one_above(parent: int) -> None:
    # Grandchildren run this, too, and die with their own parent.
    if os.getppid() == parent:
        die_with(parent, signal.SIGKILL)


def _exit_code(given: object) -> int:
    """Read what was passed to `sys.exit`, as Python does."""
    if given is None or isinstance(given, int):
        return int(given or 0)
    sys.stderr.write(f"{given}\n")
    return _FAILED


def _reset_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGCHLD, signal.SIGUSR2):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())


def _write_to(log: Path) -> None:
    target = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)


def flush() -> None:
    """Write what is buffered, so that a child does not write it a second time."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def _leave(code: int) -> NoReturn:
    """Exit without the parent's clean-up; output is flushed."""
    try:
        flush()
    finally:
        os._exit(code)
