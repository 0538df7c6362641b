"""Airflow's scheduling of a DAG, without a database: its own rules on task instances in memory."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from airflow.models.dagrun import DagRun  # noqa: TID251 - the scheduler's own
from airflow.models.taskinstance import TaskInstance  # noqa: TID251 - as above
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from airflow.ti_deps.dep_context import DepContext
from airflow.ti_deps.deps.trigger_rule_dep import TriggerRuleDep
from airflow.utils.state import State

from factories import make_dag_record
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.renderer.dag import render_dag
from gitlab_ci_provider.settings import Settings


def render(pipeline: Pipeline) -> DAG:
    """Render the DAG of a pipeline as a DAG file does."""
    return render_dag(make_dag_record(), pipeline, Settings(home=Path("home")))


class DagInMemory:
    """A run of the DAG that a pipeline is rendered to, as the scheduler reads it."""

    def __init__(self, pipeline: Pipeline):
        dag = DagSerialization.from_dict(DagSerialization.to_dict(render(pipeline)))
        run = DagRun(dag_id=dag.dag_id, run_id="run", run_type="manual")
        self._tasks: dict[str, TaskInstance] = {}
        for task in dag.tasks:
            self._tasks[task.task_id] = TaskInstance(task, run_id="run", dag_version_id=uuid4())
            self._tasks[task.task_id].dag_run = run

    def set(self, task: str, state: str) -> None:
        """Bring a task into a state."""
        self._tasks[task].state = state

    def state(self, task: str) -> str | None:
        """Tell a task's state."""
        state = self._tasks[task].state
        return None if state is None else str(state)

    def ready(self) -> list[str]:
        """List the tasks that Airflow would start now."""
        ended = DepContext(
            finished_tis=[t for t in self._tasks.values() if t.state in State.finished]
        )
        return [
            name
            for name, task in self._tasks.items()
            if task.state is None and self._may_start(task, ended)
        ]

    @staticmethod
    def _may_start(task: TaskInstance, context: DepContext) -> bool:
        found = TriggerRuleDep().get_dep_statuses(task, session=None, dep_context=context)
        return all(one.passed for one in found)
