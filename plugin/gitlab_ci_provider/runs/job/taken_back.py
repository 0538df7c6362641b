"""A pod whose trigger has failed, or that no triggerer has followed: a worker takes it back.

A triggerer fails what it cannot load, because it lacks this package, say. And one that never comes
back would leave the task deferred for ever: Airflow ends that some time after the job's timeout.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from airflow.sdk import Context

from gitlab_ci_provider.airflow_internals.tasks import read_xcom
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.runs.job.handover import Handover, pack, unpack

_log = logging.getLogger(__name__)


def taken_back(context: Context, problem: str) -> dict[str, Any] | None:
    """Return the pod as it was handed over; None if the task waited for something else.

    Args:
        context: of the task.
        problem: what Airflow says of the trigger.
    """
    handed = _left(context)
    if handed is None:
        return None
    _log.warning(
        "the triggerer has not followed the pod (%s), so the worker does; it needs this package",
        problem,
    )
    return pack(replace(handed, why="unfit"))


def own_pod(context: Context, told: Handover) -> Handover:
    """Return what the triggerer tells of this try's pod; if it tells of another one, what was left.

    SQLite uses the number of a trigger again. When a task is cleared while the triggerer follows
    its pod, and is soon deferred again, the event of the old trigger resumes the new try.
    """
    left = _left(context)
    if left is None or (left.pod, left.uid) == (told.pod, told.uid):
        return told
    _log.warning(
        "the triggerer has followed pod %s of an earlier try, so the worker goes on", told.pod
    )
    return left


def _left(context: Context) -> Handover | None:
    """Read what this try has left to the triggerer."""
    ti: Any = context["ti"]
    handed = read_xcom(ti.dag_id, ti.run_id, ti.task_id, xcom_keys.FOLLOWED)
    return unpack(handed) if handed else None
