"""Tasks that `create_pipeline` marks as skipped at once: they cost no worker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from airflow.sdk.exceptions import AirflowSkipException, DownstreamTasksSkipped


def skip_others(tasks: Iterable[str]) -> None:
    """Skip tasks whose jobs are not in the pipeline.

    Raises:
        DownstreamTasksSkipped: there are such tasks; Airflow then ends this task as a success.
    """
    absent = list(tasks)
    if absent:
        raise DownstreamTasksSkipped(tasks=absent)


def skip_all(tasks: Iterable[str], reason: str) -> NoReturn:
    """Skip every job and this task: there is no pipeline, and the run looks like that.

    Airflow's exceptions skip either this task or others, so the others are named first.

    Raises:
        AirflowSkipException: always, with the reason.
    """
    skip_now(tasks)
    raise AirflowSkipException(f"no pipeline: {reason}")


def skip_now(tasks: Iterable[str]) -> None:
    """Skip tasks that have not started, whatever becomes of this one."""
    from airflow.sdk.execution_time.comms import SkipDownstreamTasks
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    SUPERVISOR_COMMS.send(SkipDownstreamTasks(tasks=list(tasks)))
