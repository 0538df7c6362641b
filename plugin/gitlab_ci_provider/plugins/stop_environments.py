"""Plays the jobs that stop environments: a task of Airflow 3 cannot, the scheduler can.

`operators/stop_environments.py` says which jobs. They are played when its run has ended, in a
thread with a session of its own: the scheduler's is in the middle of its own changes. What is lost
when the process dies, the next run says again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from threading import Thread
from typing import Any

from airflow.listeners import hookimpl

from gitlab_ci_provider.airflow_internals import database
from gitlab_ci_provider.model import xcom_keys

_OPERATOR = "StopEnvironmentsOperator"

_log = logging.getLogger(__name__)


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:  # noqa: ARG001 - Airflow names them
    """Play what the run has found."""
    _play_found(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:  # noqa: ARG001 - Airflow names them
    """Play what the run has found, whatever else of it failed."""
    _play_found(dag_run)


def _play_found(dag_run: Any) -> None:
    dag = dag_run.dag
    names = [task.task_id for task in dag.tasks if task.task_type == _OPERATOR] if dag else []
    session = database.session_of(dag_run) if names else None
    if session is None:
        return
    found = database.read_xcoms(session, dag_run, xcom_keys.TO_PLAY, names)
    jobs = [job for listed in found.values() if isinstance(listed, list) for job in listed]
    if jobs:
        Thread(target=_play, args=(jobs,), name="gitlab-ci-stop", daemon=True).start()


def _play(jobs: list[Mapping[str, Any]]) -> None:
    for job in jobs:
        try:
            done = database.play(job["dag"], job["run"], job["task"])
            _log.info("%s of %s: %s", job["task"], job["run"], "played" if done else "not waiting")
        except Exception:  # noqa: BLE001 - the others are played, and the next run says it again
            _log.exception("cannot play %s of %s", job["task"], job["run"])
