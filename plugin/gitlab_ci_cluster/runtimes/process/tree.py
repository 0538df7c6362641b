"""Trees of processes: kill all of one, and keep one together where there are no namespaces."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Never

from gitlab_ci_cluster.runtimes.process import child, linux
from gitlab_ci_cluster.runtimes.process.spec import ProcessSpec

_PAUSE_SECONDS = 0.001


def exit_code(status: int) -> int:
    """Read a wait status as container runtimes report it: 128 + n after signal n."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def descendants(pid: int) -> Iterator[int]:
    """List all processes below one, children before grandchildren."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for below in (task / "children").read_text().split():
                yield int(below)
                yield from descendants(int(below))


def kill_descendants(pid: int) -> None:
    """Kill all processes below this one until none is left, also those that fork meanwhile.

    The caller must adopt orphans (`linux.adopt_orphans`), or double forks would escape.
    """
    while victims := list(descendants(pid)):
        for victim in victims:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        _reap()
        time.sleep(_PAUSE_SECONDS)


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def supervise(spec: ProcessSpec, fds: list[int], warm_programs: child.Warm) -> Never:
    """Run a container without namespaces: adopt all it forks, kill that when its first ends."""
    try:
        linux.die_with_parent(signal.SIGTERM)
        linux.adopt_orphans()
        signal.signal(signal.SIGTERM, _end)
        pid = os.fork()
        if pid == 0:
            child.run(spec, fds, "plain", warm_programs)
        for fd in (*fds, 0, 1):
            os.close(fd)
        status = _wait_for(pid)
        kill_descendants(os.getpid())
        os._exit(exit_code(status))
    except BaseException as error:  # noqa: BLE001 - we are in a forked child
        child.fail(fds[3], error)


def _wait_for(pid: int) -> int:
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return status


def _end(*_: object) -> None:
    kill_descendants(os.getpid())
    os._exit(128 + signal.SIGKILL)


def signal_supervised(supervisor: int, number: int) -> None:
    """Send a signal to the first process of a container that `supervise` runs; KILL ends all."""
    if number == signal.SIGKILL:
        os.kill(supervisor, signal.SIGTERM)
        return
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    if children:
        os.kill(int(children[0]), number)
