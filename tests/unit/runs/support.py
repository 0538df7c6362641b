"""What the tests of runs share: a job whose turn has come, and what Airflow hands to its task."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from factories import make_job, make_pipeline, make_run
from gitlab_ci_provider.model.rules import JobDecision, When
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state

PIPELINE = make_pipeline(make_job("compile", stage="build"), make_job("deploy", when=When.MANUAL))
RUN = make_run(decisions={name: JobDecision(job=name, present=True) for name in PIPELINE.jobs})


class FakeTask:
    """A task instance: `max_tries` moves when it is cleared, `duration` is of the job before.

    It is not Airflow's first try: there may have been others.
    """

    dag_id, run_id, task_id = "dag", "run", "deploy"

    def __init__(self) -> None:
        self.max_tries = 2
        self.try_number = 2
        self.duration = 1.25
        self.pushed: dict[str, Any] = {}

    def get_task_breadcrumbs(self, *, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Tell how the tasks of the run have ended."""
        before = {"task_id": "compile", "state": "success", "duration": self.duration}
        other = {"task_id": "other", "state": "success", "duration": None}
        return [before, other]

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep what the task leaves."""
        self.pushed[key] = value


class FakeStore(dict[str, Any]):
    """Airflow's store of one task."""

    set = dict.__setitem__
    __hash__ = object.__hash__  # type: ignore[assignment]  # Airflow's has one, dictionaries not


def make_task_context() -> Any:
    """Make the context of the task of `deploy`."""
    return {"ti": FakeTask(), "task_state_store": FakeStore()}


def make_task(settings: Settings, context: Any = None) -> TaskContext:
    """Make what a task works with."""
    given: Any = context or {}
    return TaskContext(context=given, settings=settings, state=open_state(settings))


def make_job_run(context: Any, **changes: Any) -> JobRun:
    """Make a try of the manual job `deploy`, which comes after `compile`."""
    settings = Settings(home=Path("x"))
    run = JobRun(
        context=context,
        settings=settings,
        state=open_state(settings),
        record=RUN,
        pipeline=PIPELINE,
        job=PIPELINE.jobs["deploy"],
        decision=RUN.decisions["deploy"],
        ended={},
        tasks=frozenset(("compile", "deploy")),
    )
    return replace(run, **changes)


def clear(run: JobRun) -> None:
    """Clear the job's task, as a person does."""
    run.context["ti"].max_tries += 1
