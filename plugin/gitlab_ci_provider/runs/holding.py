"""A run and its DAG: whether Airflow has read the DAG that the run needs, and who else holds it."""

from __future__ import annotations

import time

from airflow.sdk import Context

from gitlab_ci_provider.airflow_internals.tasks import dag_tags, run_state
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.topology import topology_tag
from gitlab_ci_provider.runs.record import own_states
from gitlab_ci_provider.schedule.airflow_states import RUN_ENDED
from gitlab_ci_provider.snapshots.holds import Holds

PATIENCE = 20
"""Seconds that a worker itself waits for a DAG, before it is given back between looks."""

_SUSPECT = 3600
"""Seconds after which it is asked whether the run of a hold has ended."""


def wait_until_read(context: Context, pipeline: Pipeline) -> bool:
    """Wait until this run has the tasks of a pipeline; False when that takes too long.

    A version of the DAG that sync has just written is not yet Airflow's, and Airflow moves a run to
    it only when it looks at the run.
    """
    end = time.monotonic() + PATIENCE
    while not _is_read(context, pipeline):
        if time.monotonic() > end:
            return False
        time.sleep(1)
    return True


def let_go_of_ended(holds: Holds, dag: str) -> None:
    """Drop holds of runs that have ended without letting go."""
    now = time.time()  # noqa: TID251 - compared with the times of files
    for run, since in holds.runs(dag).items():
        if now - since > _SUSPECT and _has_ended(dag, run):
            holds.drop(dag, run)


def _is_read(context: Context, pipeline: Pipeline) -> bool:
    return topology_tag(pipeline) in dag_tags(context["ti"].dag_id) and _has_tasks(
        context, pipeline
    )


def _has_tasks(context: Context, pipeline: Pipeline) -> bool:
    states = own_states(context)
    there = {task for task, state in states.items() if state != "removed"}
    return there.issuperset(task_ids(pipeline.jobs).values())


def _has_ended(dag: str, run: str) -> bool:
    return run_state(dag, run) in {None, *RUN_ENDED}
