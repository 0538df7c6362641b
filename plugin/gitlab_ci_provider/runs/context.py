"""What a task of a pipeline works with: read once at its start, then passed on.

A `TaskContext` is all that `create_pipeline` has. Once there is a pipeline, its other tasks have a
`RunContext`, and those of jobs a `JobRun`, see `job_run.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.sdk import Context

from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import JobResult, PipelineRun
from gitlab_ci_provider.settings import Settings, load_settings
from gitlab_ci_provider.state import State, open_state


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskContext:
    """One running task.

    Attributes:
        context: Airflow's.
        settings: of this installation.
        state: of this installation.
    """

    context: Context
    settings: Settings
    state: State

    @property
    def dag_id(self) -> str:
        """The DAG of the task."""
        return str(self.context["ti"].dag_id)

    @property
    def run_id(self) -> str:
        """The run of the task."""
        return str(self.context["ti"].run_id)

    @property
    def was_started_by_task(self) -> bool:
        """Whether a task has started the run; nobody else can start one of this type."""
        return bool(self.context["dag_run"].run_type == "operator_triggered")


def is_mapped(ti: Any) -> bool:
    """Tell whether a task instance is one of several of its task."""
    return ti.map_index is not None and ti.map_index >= 0


def instance_key(ti: Any) -> str:
    """Name a task instance; those of a mapped task have names of their own."""
    return f"{ti.task_id}.{ti.map_index}" if is_mapped(ti) else str(ti.task_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext(TaskContext):
    """One running task of a run that has a pipeline.

    Attributes:
        record: what `create_pipeline` decided.
        pipeline: as it was compiled for the run.
        ended: how the jobs that have ended did, when the task started.
        orders: to cancel jobs of the run, when the task started.
    """

    record: PipelineRun
    pipeline: Pipeline
    ended: Mapping[str, JobResult]
    orders: Sequence[Cancellation] = ()


def open_task(context: Context) -> TaskContext:
    """Read the settings and open the state, for a task that starts."""
    settings = load_settings()
    return TaskContext(context=context, settings=settings, state=open_state(settings))
