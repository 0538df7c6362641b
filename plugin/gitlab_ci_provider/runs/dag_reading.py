"""Waits until Airflow has read a DAG that was just written for a run.

The worker itself waits for a moment, which is often enough. After that the task gives its worker
back and checks again later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

from gitlab_ci_provider.airflow_internals.tasks import dag_tags, defer
from gitlab_ci_provider.exceptions import UnreadDagError
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.topology import topology_tag
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.record import own_states

_PATIENCE = 20
"""Seconds that the worker itself waits."""

_LATER = timedelta(seconds=10)

_UNREAD = (
    "Airflow has not read the DAG {} within {} s ([gitlab_ci] child_dag_timeout). Does its DAG "
    "processor run, and look often enough ([dag_processor] refresh_interval and "
    "min_file_process_interval)?"
)

_log = logging.getLogger(__name__)


def wait_in_worker(is_read: Callable[[], bool]) -> bool:
    """Check until it is true; False when the worker has waited long enough."""
    end = time.monotonic() + _PATIENCE
    while not is_read():
        if time.monotonic() > end:
            return False
        time.sleep(1)
    return True


def check_limit(dag: str, waited: float, limit: int) -> None:
    """Make sure that the wait for a DAG may continue.

    Raises:
        UnreadDagError: `limit` seconds have passed.
    """
    if waited > limit:
        raise UnreadDagError(_UNREAD.format(dag, limit))


def look_later(dag: str) -> NoReturn:
    """Give the worker back; Airflow resumes the task with `retry_start`.

    Raises:
        TaskDeferred: always.
    """
    _log.info("Airflow has not read the new DAG %s yet: looking again later", dag)
    defer(TimeDeltaTrigger(_LATER), "retry_start")


def has_read(task: TaskContext, pipeline: Pipeline) -> bool:
    """Return whether this run has the tasks of a pipeline in Airflow.

    A version of the DAG that sync has just written is not yet Airflow's, and Airflow moves a run to
    it only when it looks at the run.
    """
    return topology_tag(pipeline) in dag_tags(task.dag_id) and _has_tasks(task, pipeline)


def _has_tasks(task: TaskContext, pipeline: Pipeline) -> bool:
    states = own_states(task)
    there = {task_id for task_id, state in states.items() if state != "removed"}
    return there.issuperset(task_ids(pipeline.jobs).values())
