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
from gitlab_ci_provider.runs.job.handover import pack, unpack

_log = logging.getLogger(__name__)


def taken_back(context: Context, problem: str) -> dict[str, Any] | None:
    """Return the pod as it was handed over; None if the task waited for something else.

    Args:
        context: of the task.
        problem: what Airflow says of the trigger.
    """
    ti: Any = context["ti"]
    handed = read_xcom(ti.dag_id, ti.run_id, ti.task_id, xcom_keys.FOLLOWED)
    if not handed:
        return None
    _log.warning(
        "the triggerer has not followed the pod (%s), so the worker does; it needs this package",
        problem,
    )
    return pack(replace(unpack(handed), why="unfit"))
