"""What the tests of runs share: a job whose turn has come, and what Airflow hands to its task."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow.sdk.exceptions import TaskDeferred

from factories import make_job, make_pipeline, make_run
from gitlab_ci_provider.model.rules import JobDecision, When
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.settings import Settings

PIPELINE = make_pipeline(make_job("compile", stage="build"), make_job("deploy", when=When.MANUAL))
RUN = make_run(decisions={name: JobDecision(job=name, present=True) for name in PIPELINE.jobs})
DEPLOY = JobRun(
    record=RUN,
    pipeline=PIPELINE,
    job=PIPELINE.jobs["deploy"],
    decision=RUN.decisions["deploy"],
    ended={},
    settings=Settings(home=Path("x")),
)
"""The job `deploy`, which is manual and comes after `compile`."""


class FakeTask:
    """A task instance: `max_tries` moves when it is cleared, `duration` is of the job before."""

    dag_id, run_id = "dag", "run"

    def __init__(self) -> None:
        self.max_tries = 2
        self.duration = 1.25

    def get_task_breadcrumbs(self, *, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """List the tasks that have run."""
        before = {"task_id": "compile", "state": "success", "duration": self.duration}
        other = {"task_id": "other", "state": "success", "duration": None}
        return [before, other]


class FakeStore(dict[str, Any]):
    """Airflow's store of one task's state."""

    set = dict.__setitem__


class FakeOperator:
    """An operator of a DAG with two tasks; to defer ends it, as in Airflow."""

    log = logging.getLogger("test")

    def __init__(self, *tasks: str) -> None:
        self.dag = SimpleNamespace(task_dict=dict.fromkeys(tasks or ("compile", "deploy")))

    def defer(self, *, trigger: Any, method_name: str) -> None:
        """Give the worker back."""
        raise TaskDeferred(trigger=trigger, method_name=method_name)


def make_task_context() -> Any:
    """Make what Airflow passes to the `execute` of a task that was never tried."""
    return {"ti": FakeTask(), "task_state_store": FakeStore()}


def clear(context: Any) -> None:
    """Clear the task, as a person does in the Airflow UI."""
    context["ti"].max_tries += 1
