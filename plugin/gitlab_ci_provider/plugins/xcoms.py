"""What the tasks of a run have left as XComs, read where listeners run: next to the database."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any


def read_xcoms(session: Any, dag_run: Any, key: str, tasks: Collection[str]) -> dict[str, Any]:
    """Read one XCom of each of some tasks of a run, by task; tasks without it are missing."""
    from airflow.models.xcom import XComModel  # noqa: TID251 - runs in the scheduler, not in a task

    query = XComModel.get_many(
        run_id=dag_run.run_id, dag_ids=dag_run.dag_id, task_ids=list(tasks), key=key
    )
    rows = session.execute(query.with_only_columns(XComModel.task_id, XComModel.value))
    return {task: json.loads(value) if isinstance(value, str) else value for task, value in rows}


def read_xcom(session: Any, dag_run: Any, key: str, task: str) -> Any:
    """Read one XCom of a task; None when there is none."""
    return read_xcoms(session, dag_run, key, [task]).get(task)
