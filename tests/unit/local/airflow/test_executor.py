"""The executor of the embedded stack: one process a task, and none that waits."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.utils.state import TaskInstanceState

from gitlab_ci_provider.local.airflow import executor as module
from gitlab_ci_provider.local.airflow.executor import EmbeddedExecutor
from gitlab_ci_provider.local.airflow.worker import Worker


@dataclass(frozen=True)
class Workload:
    """As much of a task as the executor looks at."""

    key: str
    running_state: Any = None
    success_state: Any = TaskInstanceState.SUCCESS
    failure_state: Any = TaskInstanceState.FAILED

    @property
    def display_name(self) -> str:
        return self.key


class Executor(EmbeddedExecutor):
    """Does in a worker what the name of the task says."""

    def _run(self, workload: Any, title: str) -> None:
        if workload.key == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if workload.key == "breaks":
            raise OSError


@pytest.fixture
def executor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Executor:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return Executor(parallelism=4)


def test_an_executor_that_was_never_started_can_be_ended(executor: Executor):
    """Stopping the stack while it starts is not an error."""
    executor.end()


@pytest.mark.parametrize(
    ("task", "state"), [("ends", "success"), ("breaks", "failed"), ("dies", "failed")]
)
def test_how_a_worker_ended_is_told_at_once(executor: Executor, task: str, state: str):
    """Airflow hears of a worker that died when it dies, not when its heartbeats are missed."""
    executor.start()
    executor._process_workloads([Workload(task)])
    while task not in executor.event_buffer:
        executor.sync()

    assert executor.event_buffer[task][0] == state
    assert not executor._somebody_has_ended()


def test_a_scheduler_that_has_begun_tasks_looks_again_at_once(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
):
    """More tasks may be due than fit into one turn; only a turn that changed nothing waits."""
    waits: list[str] = []
    monkeypatch.setattr(
        executor, "_changes", SimpleNamespace(wait=lambda *_, **__: waits.append(""))
    )
    executor._process_workloads([Workload("ends")])
    executor.sync()
    begun = len(waits)
    while "ends" not in executor.event_buffer:
        executor.sync()
    before = len(waits)
    executor.sync()

    assert begun == 0
    assert len(waits) == before + 1


def test_the_end_of_a_worker_that_gave_its_task_back_is_not_the_tasks(executor: Executor):
    """A task that was answered at once runs again next to its first worker, under the same key."""
    read, write = os.pipe()
    executor._process_workloads([Workload("ends")])
    executor._workers.append(("ends", Worker(read), ("success", "failed")))
    while len(executor._workers) > 1:
        executor._reap()
    still = "ends" in executor.running

    os.write(write, b".")
    os.close(write)
    executor._reap()

    assert still
    assert executor.event_buffer == {"ends": ("success", None)}
    assert not executor.running


def test_a_resumed_task_of_a_dead_scheduler_is_not_ended_by_its_first_worker(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
):
    """Both workers are taken over; only when both have ended has the task."""
    pipes = [os.pipe(), os.pipe()]
    found = [Worker(read, adopted=True) for read, _ in pipes]
    monkeypatch.setattr(module, "find_workers", lambda _: found)
    task = SimpleNamespace(id="1", key="resumed")

    assert executor.try_adopt_task_instances([task]) == []
    os.close(pipes[0][1])
    executor._reap()
    still = "resumed" in executor.running
    os.close(pipes[1][1])
    executor._reap()

    assert still
    assert executor.event_buffer == {"resumed": ("success", None)}
