"""The process of one task: forked from the scheduler, but it outlives the scheduler."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import NoReturn

from gitlab_ci_provider.local.airflow.fork import become, flush, take_children_along

_DONE = b"."


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as the scheduler sees it.

    Attributes:
        descriptor: becomes readable when the worker ends.
        adopted: it was started by another scheduler, the only one that could learn how it ends.
    """

    descriptor: int
    adopted: bool = False

    def has_ended(self) -> bool:
        """Return whether it has ended, in any way."""
        return bool(wait([self.descriptor], 0))

    def close(self) -> bool:
        """Forget it, and return whether it ended properly; of an adopted worker that is unknown."""
        try:
            return self.adopted or os.read(self.descriptor, 1) == _DONE
        finally:
            os.close(self.descriptor)


def start_worker(title: str, run: Callable[[], object]) -> Worker:
    """Fork a worker that belongs to the parent of this process and dies with that."""
    outcome, writer = os.pipe()
    flush()
    between = os.fork()
    if between == 0:
        _leave_a_worker(title, run, outcome, writer)
    os.close(writer)
    os.waitpid(between, 0)
    return Worker(outcome)


def find_workers(title: str) -> list[Worker]:
    """Find the workers of a task that another scheduler has started.

    There are two when the task was resumed and its first worker has not quite ended.
    """
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if title.encode() in (process / "cmdline").read_bytes():
                found.append(Worker(os.pidfd_open(int(process.name)), adopted=True))
        except OSError:
            continue
    return found


def _leave_a_worker(title: str, run: Callable[[], object], outcome: int, writer: int) -> NoReturn:
    """Fork again and end, so that the kernel gives the worker to the process above."""
    between = os.getpid()
    try:
        if os.fork():
            os._exit(0)
    except BaseException:  # noqa: BLE001 - the child must never go on as its parent
        os._exit(1)
    while os.getppid() == between:
        time.sleep(0.001)
    become(lambda: _work(title, run, outcome, writer), os.getppid())


def _work(title: str, run: Callable[[], object], outcome: int, writer: int) -> None:
    from setproctitle import setproctitle

    setproctitle(title)
    os.close(outcome)
    take_children_along()
    # The task's own process must not hold this end: then nobody would see that the worker died.
    os.register_at_fork(after_in_child=_once(lambda: os.close(writer)))
    run()
    os.write(writer, _DONE)


def _once(do: Callable[[], object]) -> Callable[[], None]:
    """Do something the first time only: a grandchild has nothing left to close."""
    left = [do]

    def done() -> None:
        if left:
            left.pop()()

    return done
