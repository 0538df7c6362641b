"""Rows of Airflow's database about one run, read by the API server for the pipeline page."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run; `number` is the key of its row."""

    number: int
    dag_id: str
    run_id: str
    state: str
    queued: datetime | None
    started: datetime | None
    ended: datetime | None
    user: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """The newest try of a task of a run.

    Attributes:
        operator: name of its class.
    """

    task_id: str
    state: str | None
    tries: int
    started: datetime | None
    ended: datetime | None
    duration: float | None
    operator: str = ""


XComs = Mapping[str, Mapping[str, Any]]
"""Values of XComs, by key and task."""


def read_run(session: Any, dag_id: str, run_id: str) -> RunRow | None:
    """Read a run; None when there is none."""
    from airflow.models.dagrun import DagRun

    query = run_columns().where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    found = session.execute(query).one_or_none()
    return run_row(found) if found else None


def run_columns() -> Any:
    """Select what `run_row` reads, with the notes: Airflow would ask for each of them."""
    from airflow.models.dagrun import DagRun as Run
    from airflow.models.dagrun import DagRunNote
    from sqlalchemy import select

    times = (Run.queued_at, Run.start_date, Run.end_date)
    columns = (Run.id, Run.dag_id, Run.run_id, Run.state, *times, Run.triggering_user_name)
    return select(*columns, DagRunNote.content).outerjoin(
        DagRunNote, DagRunNote.dag_run_id == Run.id
    )


def run_row(found: Any) -> RunRow:
    """Make the value of what `run_columns` has found."""
    number, dag_id, run_id, state, queued, started, ended, user, note = found
    return RunRow(
        number=number,
        dag_id=dag_id,
        run_id=run_id,
        state=str(state or ""),
        queued=queued,
        started=started,
        ended=ended,
        user=user or "",
        note=note or "",
    )


def read_task_rows(session: Any, run: RunRow) -> dict[str, TaskRow]:
    """Read the tasks of a run, by task ID, in one query."""
    from airflow.models.taskinstance import TaskInstance as Row
    from sqlalchemy import select

    times = (Row.start_date, Row.end_date, Row.duration)
    columns = (Row.task_id, Row.state, Row.try_number, *times, Row.operator)
    query = select(*columns).where(Row.dag_id == run.dag_id, Row.run_id == run.run_id)
    tasks = (
        TaskRow(
            task_id=task_id,
            state=None if state is None else str(state),
            tries=tries,
            started=started,
            ended=ended,
            duration=duration,
            operator=operator or "",
        )
        for task_id, state, tries, started, ended, duration, operator in session.execute(query)
    )
    return {task.task_id: task for task in tasks}


def xcom_stamp(session: Any, run: RunRow) -> tuple[int, str]:
    """Return what changes whenever a task of a run leaves an XCom or loses one."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import func, select

    query = select(func.count(), func.max(XComModel.timestamp))
    count, newest = session.execute(query.where(XComModel.dag_run_id == run.number)).one()
    return count, str(newest)


def read_run_xcoms(session: Any, run: RunRow, keys: Collection[str]) -> XComs:
    """Read the XComs with some keys of all tasks of a run, in one query."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    columns = (XComModel.key, XComModel.task_id, XComModel.value)
    query = select(*columns).where(XComModel.dag_run_id == run.number, XComModel.key.in_(keys))
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, task, value in session.execute(query):
        found[key][task] = decoded(value)
    return found


def decoded(value: Any) -> Any:
    """Decode a value: the API server stores JSON as text, but the string of a task as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
