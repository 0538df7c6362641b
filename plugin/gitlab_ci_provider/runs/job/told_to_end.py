"""A task that is told to end while its pod runs: either the job is to end, or only its worker.

Airflow sends the same signal when a person has ended or cleared the task and when its worker is
shut down, and calls the operator's `on_kill` in the middle of whatever the task does, a request to
Airflow, say. So a thread asks whether the task still runs. If it does not, the pod is deleted, and
followed until it has ended. If it does, only the worker ends: the pod is left as one whose worker
was lost, and the next try finds it.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

StillRuns = Callable[[], bool]
"""Tells whether the task runs in Airflow's view."""

_log = logging.getLogger(__name__)


class WorkerEnds(BaseException):
    """The worker has to end, and the job goes on."""


@dataclass(slots=True)
class _Task:
    still_runs: StillRuns
    told: bool = False
    leaves: bool = False
    follows: bool = False


_task: ContextVar[_Task | None] = ContextVar("task", default=None)
"""The task of this process."""


def begin(still_runs: StillRuns) -> None:
    """Have the task hear of its end."""
    _task.set(_Task(still_runs))


def tell(end_pod: Callable[[], object]) -> None:
    """Have the task end, in the handler of a signal.

    Args:
        end_pod: deletes the pod.

    Raises:
        WorkerEnds: the worker follows a pod that goes on.
    """
    task = _task.get()
    if task is None:
        end_pod()
    elif task.leaves and task.follows:
        raise WorkerEnds
    elif not task.told:
        task.told = True
        threading.Thread(target=_find_out, args=(task, end_pod), daemon=True).start()


@contextmanager
def following() -> Iterator[None]:
    """Follow a pod for as long as the worker may.

    Raises:
        WorkerEnds: it has to end, and the job goes on.
    """
    task = _task.get()
    if task is None:
        yield
        return
    task.follows = True
    try:
        if task.leaves:
            raise WorkerEnds
        yield
    finally:
        task.follows = False


def _find_out(task: _Task, end_pod: Callable[[], object]) -> None:
    if _still_runs(task):
        task.leaves = True
        # The same signal once more: only in the main thread it interrupts what that waits for.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    else:
        end_pod()


def _still_runs(task: _Task) -> bool:
    """Ask Airflow; a worker that cannot must not end what others may want."""
    try:
        return task.still_runs()
    except Exception:  # noqa: BLE001 - the pod is left rather than lost
        _log.exception("Airflow does not say whether the task still runs, so its pod is left")
        return True
