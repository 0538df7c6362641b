"""Notes in the Airflow UI: how a pipeline ended, and why jobs are not in it.

A task of Airflow 3 cannot write notes, a run that passed with warnings is as green as any other,
and a task that was never started has no log. So the scheduler, which calls listeners with the run
that it has just ended, copies what `create_pipeline` and `finish_pipeline` have left. Notes that
people wrote stay.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from airflow.listeners import hookimpl
from airflow.sdk.plugins_manager import AirflowPlugin

from gitlab_ci_provider.model.names import CREATE_PIPELINE, END_KEY, FINISH_PIPELINE, LEFT_OUT_KEY

_OURS = "Pipeline "
"""How our notes of runs begin."""

_LONGEST = 1000
"""Characters that the column holds; more would break the scheduler's transaction."""


@hookimpl
def on_dag_run_success(dag_run: Any) -> None:
    """Write the notes of a run that has passed."""
    write_notes(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: Any) -> None:
    """Write the notes of a run that has failed."""
    write_notes(dag_run)


def write_notes(dag_run: Any) -> None:
    """Write what is known of a pipeline into its run and tasks; other DAGs have left nothing."""
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return
    left = _left(session, dag_run)
    text = run_note(left.get(END_KEY))
    if text and (dag_run.note or _OURS).startswith(_OURS):
        dag_run.note = text
    _write_task_notes(session, dag_run, task_notes(left.get(LEFT_OUT_KEY)))


def run_note(end: Any) -> str:
    """Word the note of a run; empty when there is nothing to say of a pipeline that passed.

    One with a name (`workflow:name`) has it said always: Airflow lets nobody name a run.
    """
    if not isinstance(end, Mapping):
        return ""
    said, name = str(end.get("text", "")), str(end.get("name") or "")
    if not said or (said == "passed" and not name):
        return ""
    named = f"'{name}' " if name else ""
    return f"{_OURS}{named}{said}"[:_LONGEST]


def task_notes(left_out: Any) -> dict[str, str]:
    """Word the notes of tasks whose jobs are not in the pipeline."""
    if not isinstance(left_out, Mapping):
        return {}
    return {task: f"not in this pipeline: {why}"[:_LONGEST] for task, why in left_out.items()}


def _left(session: Any, dag_run: Any) -> dict[str, Any]:
    """Read what the pipeline's own tasks have left, by XCom key."""
    from airflow.models.xcom import XComModel  # noqa: TID251 - runs in the scheduler, not in a task

    query = XComModel.get_many(
        run_id=dag_run.run_id,
        dag_ids=dag_run.dag_id,
        task_ids=[CREATE_PIPELINE, FINISH_PIPELINE],
    ).where(XComModel.key.in_([END_KEY, LEFT_OUT_KEY]))
    rows = session.execute(query.with_only_columns(XComModel.key, XComModel.value))
    return {key: json.loads(value) if isinstance(value, str) else value for key, value in rows}


def _write_task_notes(session: Any, dag_run: Any, notes: Mapping[str, str]) -> None:
    """Add notes to tasks that have none."""
    if not notes:
        return
    from airflow.models.taskinstance import TaskInstance  # noqa: TID251 - as above
    from sqlalchemy import select
    from sqlalchemy.orm import joinedload

    of_run = (
        select(TaskInstance)
        .where(TaskInstance.dag_id == dag_run.dag_id, TaskInstance.run_id == dag_run.run_id)
        .where(TaskInstance.task_id.in_(notes))
        .options(joinedload(TaskInstance.task_instance_note))
    )
    for task in session.scalars(of_run):
        if task.note is None:
            task.note = notes[task.task_id]


class RunNotePlugin(AirflowPlugin):
    """Registers the listener; an entry point names it: `get_provider_info` is read too late."""

    name = "gitlab_ci_run_note"
    listeners = [sys.modules[__name__]]  # noqa: RUF012 - Airflow declares it so
