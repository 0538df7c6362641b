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
    """The newest try of a task of a run."""

    task_id: str
    state: str | None
    tries: int
    started: datetime | None
    ended: datetime | None
    duration: float | None


XComs = Mapping[str, Mapping[str, Any]]
"""Values of XComs, by key and task."""


def read_run(session: Any, dag_id: str, run_id: str) -> RunRow | None:
    """Read a run; None when there is none."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    found = select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    run = session.scalar(found)
    if run is None:
        return None
    return RunRow(
        number=run.id,
        dag_id=run.dag_id,
        run_id=run.run_id,
        state=str(run.state or ""),
        queued=run.queued_at,
        started=run.start_date,
        ended=run.end_date,
        user=run.triggering_user_name or "",
        note=run.note or "",
    )


def read_task_rows(session: Any, run: RunRow) -> dict[str, TaskRow]:
    """Read the tasks of a run, by task ID, in one query."""
    from airflow.models.taskinstance import TaskInstance as Row
    from sqlalchemy import select

    columns = (Row.task_id, Row.state, Row.try_number, Row.start_date, Row.end_date, Row.duration)
    query = select(*columns).where(Row.dag_id == run.dag_id, Row.run_id == run.run_id)
    tasks = (
        TaskRow(
            task_id=task_id,
            state=None if state is None else str(state),
            tries=tries,
            started=started,
            ended=ended,
            duration=duration,
        )
        for task_id, state, tries, started, ended, duration in session.execute(query)
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
        found[key][task] = _decoded(value)
    return found


def _decoded(value: Any) -> Any:
    """Decode a value: the API server stores JSON as text, but the string of a task as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
