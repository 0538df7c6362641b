"""Runs of a repository's pipeline, started side by side and read through Airflow's API."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from e2e.embedded import Stack
from e2e.kept_runs import keep_run
from e2e.logs import log_lines
from gitlab_ci_provider.airflow_api.client import AirflowApi, TaskState
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from processes.waiting import PATIENCE, wait_until, wait_while_moving


def wait_for(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until a condition holds; the failure quotes the line that states it."""
    wait_until(condition, f"`{_source(condition)}`", seconds, pause=0.1)


def _source(condition: Callable[[], object]) -> str:
    if isinstance(condition, partial):
        return f"{condition.func.__name__}{condition.args}"
    return " ".join(inspect.getsource(condition).split())


def start(stack: Stack, repository: Path) -> tuple[str, str]:
    """Sync a repository and trigger its DAG without following it; the DAG and the run."""
    record = stack.add(repository).record
    assert record is not None
    stack.wait_for_dag(record)
    return record.dag_id, stack.api.trigger(record.dag_id, {})


def raw_log(stack: Stack, dag: str, run: str, task: str) -> str:
    """Read what the newest try of a job printed."""
    logs = sorted((stack.home.job_logs / dag / run / task).glob("*.log"))
    return logs[-1].read_text() if logs else ""


def mark(stack: Stack, dag: str, run: str, task: str, state: str) -> None:
    """Mark a task, as a person does in the Airflow UI."""
    path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}"
    stack.api.request("PATCH", path, json={"new_state": state})


def ended(stack: Stack, dag: str, run: str) -> bool:
    """Return whether a run has ended."""
    return stack.api.run_state(dag, run) in {"success", "failed"}


def end_of(api: AirflowApi, dag: str, run: str) -> str:
    """Wait until a run has ended and tell how.

    A slow machine has all the time that it needs; a run of which nothing moves fails the test.
    """
    wait_while_moving(
        lambda: api.run_state(dag, run) in {"success", "failed"},
        lambda: {name: (task.state, task.try_number) for name, task in api.tasks(dag, run).items()},
        f"the end of {run} of {dag}",
    )
    return api.run_state(dag, run)


def states(stack: Stack, dag: str, run: str) -> dict[str, str | None]:
    """Read the state of every task."""
    return {name: task.state for name, task in stack.api.tasks(dag, run).items()}


def results(stack: Stack, dag: str, run: str) -> dict[str, tuple[str, str]]:
    """Read what each job said of its end: status and reason."""
    own = {"create_pipeline", "finish_pipeline"}
    told = {
        task: stack.api.xcom(dag, run, task, "job_result")
        for task in stack.api.tasks(dag, run)
        if task not in own
    }
    return {task: (one["status"], one["reason"]) for task, one in told.items()}


def finish_log(stack: Stack, dag: str, run: str) -> str:
    """Read how the pipeline was finished."""
    task = stack.api.tasks(dag, run)["finish_pipeline"]
    return "\n".join(log_lines(stack.api, dag, run, task))


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

    def ended(self) -> bool:
        """Return whether the run has ended."""
        return ended(self.stack, self.dag, self.id)

    def wait(self) -> Run:
        """Wait until the run has ended."""
        wait_for(self.ended)
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
    record = stack.add(repository).record
    assert record is not None
    stack.wait_for_dag(record)
    pipeline = open_state(Settings(home=stack.home.data)).snapshots.load_pipeline(record.digest)
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
