"""The stack's processes: started with their output in a file, stopped with all they started.

The kernel ends them with the process that started them, even when that is killed.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local.processes.stalls import PATIENCE_SECONDS, Patience, movement
from gitlab_ci_provider.local.processes.tree import children, kill_tree

_SAFE = {"PYTHONSAFEPATH": "1"}
"""A file `json.py` in the user's directory must not take the place of Python's own."""

_NOT_INHERITED = frozenset({"PYTHONDONTWRITEBYTECODE"})
"""Without its bytecode Airflow takes half a minute to start, each time."""

_OLD_LOGS = 4
_LOOK_SECONDS = 0.05
_LOOKS_A_GLANCE = 20
"""Checking for progress costs more than checking for readiness."""

_MOST_RESTARTS = 5
_RESTARTS_WITHIN_SECONDS = 120

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Process:
    """One running process of the stack."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Do nothing while it runs.

        Raises:
            StackError: it has ended; the message holds the end of its log.
        """
        if self.popen.poll() is not None:
            raise StackError(self.describe_end())

    def describe_end(self) -> str:
        """Describe how it ended, with the last lines of its log."""
        code = self.popen.returncode
        return f"{self.name} ended with code {code}; the end of {self.log}:\n{self.tail()}"

    def tail(self, lines: int = 15) -> str:
        """Read the end of its log."""
        return tail(self.log, lines)


def tail(log: Path, lines: int = 15) -> str:
    """Read the end of a log; nothing when there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def start(
    name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path
) -> Process:
    """Start a process of the stack.

    Raises:
        StackError: there is no such program.
    """
    parent = os.getpid()
    with open_log(log) as output:
        try:
            popen = subprocess.Popen(
                command,
                env=clean_environment(environment),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=lambda: _end_with(parent),  # noqa: PLW1509 - no threads here yet
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise StackError(f"{name}: cannot start {command[0]}: {error.strerror}") from error
    return Process(name, popen, log)


def open_log(path: Path) -> IO[bytes]:
    """Open a new log; those of the last starts stay next to it as `.1` (the newest) to `.4`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, backupCount=_OLD_LOGS, delay=True)
    handler.doRollover()
    return path.open("ab")


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the stack's programs."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    return {**inherited, **_SAFE, **more}


def wait_until(
    ready: Callable[[], bool], process: Process, seconds: float = PATIENCE_SECONDS
) -> None:
    """Wait until a process is ready; fail when it does nothing for too long.

    Raises:
        StackError: it ended, or hangs.
    """
    patience = Patience(lambda: movement(process.popen.pid, process.log), seconds)
    looks = itertools.count(1)
    while not ready():
        process.check()
        if next(looks) % _LOOKS_A_GLANCE == 0 and patience.is_over():
            message = f"{process.name} has made no progress for {seconds:.0f} s; see {process.log}"
            raise StackError(f"{message}:\n{process.tail()}")
        time.sleep(_LOOK_SECONDS)


def stop(processes: Sequence[Process], seconds: float = 10) -> None:
    """Stop processes, the last started first, and everything that they left behind.

    They are asked twice: Airflow's scheduler waits for its running tasks until it is asked again.
    """
    for patience in (2.0, seconds - 2):
        _ask_to_end(processes, patience)
    for process in processes:
        if process.popen.poll() is None:
            _signal(process.popen.pid, signal.SIGKILL)
            process.popen.wait()
    _kill_descendants()


def _ask_to_end(processes: Sequence[Process], seconds: float) -> None:
    for process in reversed(processes):
        if process.popen.poll() is None:
            _signal(process.popen.pid, signal.SIGTERM)
    end = time.monotonic() + seconds
    for process in processes:
        try:
            process.popen.wait(max(0.01, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            return


def adopt_orphans() -> None:
    """Become the parent of every process whose own parent in the stack dies."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with(parent: int, number: signal.Signals) -> None:
    """Have the kernel signal this process when its parent dies, however that happens."""
    _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os.kill(os.getpid(), number)


def _end_with(parent: int) -> None:
    # The supervisor waits for signals that are blocked; what it restarts must receive them.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    die_with(parent, signal.SIGTERM)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def end_orphans(alive: Iterable[Process]) -> None:
    """Kill what a part that has died left behind."""
    _kill_descendants({process.popen.pid for process in alive})


def _kill_descendants(spared: Collection[int] = ()) -> None:
    """Kill what still runs below this process, adopted orphans included."""
    for _ in range(50):
        mine = [child for child in children(os.getpid()) if child not in spared]
        if not mine:
            return
        for child in mine:
            kill_tree(child)
            try:
                os.waitpid(child, 0)
            except ChildProcessError:
                continue


@dataclass(slots=True)
class Restarts:
    """Remembers when each part was restarted."""

    clock: Callable[[], float] = time.monotonic
    _times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def allow(self, name: str) -> bool:
        """Count a restart; False when there were too many in a short time."""
        now = self.clock()
        recent = [time_ for time_ in self._times[name] if now - time_ < _RESTARTS_WITHIN_SECONDS]
        self._times[name] = [*recent, now]
        return len(recent) < _MOST_RESTARTS
