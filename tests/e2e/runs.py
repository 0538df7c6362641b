"""Runs of a repository's pipeline, started side by side and read through Airflow's API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.embedded import Stack
from e2e.kept_runs import keep_run
from gitlab_ci_provider.local.api import TaskState
from gitlab_ci_provider.local.projects import add_project
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.snapshots.store import SnapshotStore


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until a condition holds; the test fails when it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


@dataclass(frozen=True)
class Run:
    """One run of a pipeline."""

    stack: Stack
    pipeline: Pipeline
    dag: str
    id: str

    def task(self, job: str) -> TaskState:
        """Read the state of a job's task."""
        return self.stack.api.tasks(self.dag, self.id)[task_ids(self.pipeline.jobs)[job]]

    def result(self, job: str) -> dict[str, Any]:
        """Read how a job ended; empty when it has not said."""
        task = task_ids(self.pipeline.jobs)[job]
        return self.stack.api.xcom(self.dag, self.id, task, "job_result") or {}

    def wait(self) -> Run:
        """Wait until the run has ended."""
        wait_for(lambda: self.stack.api.run_state(self.dag, self.id) in {"success", "failed"})
        return self

    def statuses(self) -> dict[str, str]:
        """Tell how each job ended; those that rules leave out have no status."""
        found = {job: self.result(job).get("status") for job in self.pipeline.jobs}
        return {job: status for job, status in found.items() if status not in {None, "absent"}}


def run_with_variables(
    stack: Stack, repository: Path, given: Iterable[Mapping[str, str]], *, wait: bool = True
) -> list[Run]:
    """Start one run for each set of variables, all at once."""
    wanted = [dict(one) for one in given]
    record = add_project(stack.home, str(repository)).record
    assert record is not None
    stack.api.wait_for_dag(record.dag_id, record.digest)
    pipeline = SnapshotStore(stack.home.data / "snapshots").load_pipeline(record.digest)
    runs = [
        Run(stack, pipeline, record.dag_id, stack.api.trigger(record.dag_id, {"variables": one}))
        for one in wanted
    ]
    if not wait:
        return runs
    for run, variables in zip(runs, wanted, strict=True):
        run.wait()
        keep_run(repository, variables, {job: run.result(job) for job in pipeline.jobs})
    return runs
