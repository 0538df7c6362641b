"""Airflow's LocalExecutor with one process a task, forked from the scheduler when the task begins.

The scheduler has already imported everything that tasks need, so a task starts quickly, and its
process is as clean as the scheduler, whatever earlier tasks have done. A worker does not die with
the scheduler: the next scheduler finds it and takes it over. All of them die with the stack.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from gitlab_ci_provider.airflow_internals.components import (
    BaseExecutor,
    ExecutorWorkload,
    LocalExecutor,
    TaskInstanceState,
    get_execution_api_server_url,
)
from gitlab_ci_provider.local.airflow.changes import database_changes
from gitlab_ci_provider.local.airflow.worker import Worker, find_workers, start_worker

Ends = tuple[Any, Any]
"""The states to report for a worker that has finished, and for one that has died."""

_TITLE = "airflow worker -- LocalExecutor:"
_IDLE_SECONDS = 10


class EmbeddedExecutor(LocalExecutor):
    """Runs each task in a process forked from this one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._workers: list[tuple[Any, Worker, Ends]] = []
        self._begun = 0
        database = Path(os.environ["AIRFLOW_HOME"]) / "airflow.db"
        self._changes = database_changes(database, _IDLE_SECONDS)

    def start(self) -> None:
        """Do nothing: a worker starts with its task."""

    def sync(self) -> None:
        """Collect the workers that have ended; wait when there is nothing else to do.

        The scheduler's loop waits here until a worker ends or the database changes, and longer and
        longer while nothing happens. It does not wait when it has just begun or ended a task: what
        follows, or did not fit into the same turn, is due.
        """
        ended, begun = self._reap(), self._has_begun_any()
        if not (ended or begun):
            self._changes.wait(self._rest, until=self._somebody_has_ended)
            self._reap()

    def try_adopt_task_instances(self, tis: Sequence[Any]) -> Sequence[Any]:
        """Take over the workers of a scheduler that has died; give back the tasks without one."""
        lost = []
        for ti in tis:
            workers = find_workers(f"{_TITLE} {ti.id}")
            if not workers:
                lost.append(ti)
                continue
            self.running.add(ti.key)
            # A task that has not reported how it ended counts as failed in either case.
            done = TaskInstanceState.SUCCESS
            self._workers += [(ti.key, worker, (done, done)) for worker in workers]
        return lost

    def end(self) -> None:
        """Leave the workers to the next scheduler; they end with the stack."""

    def _rest(self, seconds: float) -> None:
        """Sleep, unless a worker ends."""
        wait([worker.descriptor for _, worker, _ in self._workers], seconds)

    def _somebody_has_ended(self) -> bool:
        return any(worker.has_ended() for _, worker, _ in self._workers)

    def _has_begun_any(self) -> bool:
        """Return whether tasks have begun since the last turn: then more may be waiting."""
        begun, self._begun = self._begun, 0
        return begun > 0

    def _reap(self) -> bool:
        """Tell Airflow of the workers that have ended; return whether there were any.

        A task that waits for an answer or a trigger gives its worker back and gets another one
        with the same key, maybe before the first worker has ended: its end is not the task's.
        """
        ended = [entry for entry in self._workers if entry[1].has_ended()]
        self._workers = [entry for entry in self._workers if entry not in ended]
        alive = {key for key, _, _ in self._workers}
        for key, worker, (success, failure) in ended:
            state = success if worker.close() else failure
            if key not in alive:
                self.change_state(key, state)
        return bool(ended)

    def _process_workloads(self, workload_list: Sequence[ExecutorWorkload]) -> None:
        for workload in workload_list:
            self._forget_queued(workload.key)
            if workload.running_state is not None:
                self.change_state(workload.key, workload.running_state)
            self.running.add(workload.key)
            title = f"{_TITLE} {workload.display_name}"
            worker = start_worker(title, partial(self._run, workload, title))
            ends = (workload.success_state, workload.failure_state)
            self._workers.append((workload.key, worker, ends))
            self._begun += 1

    def _forget_queued(self, key: Any) -> None:
        for queued in (self.queued_tasks, self.queued_callbacks, self.queued_connection_tests):
            queued.pop(key, None)

    def _run(self, workload: ExecutorWorkload, title: str) -> None:
        """Run in the worker."""
        BaseExecutor.run_workload(
            workload,
            server=get_execution_api_server_url(self.conf),
            proctitle=title,
            subprocess_logs_to_stdout=True,
        )
