"""What the tasks of a run have left for the UI, read where listeners run: beside the database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def read_left(
    session: Any, dag_run: Any, tasks: Sequence[str], keys: Sequence[str]
) -> dict[str, Any]:
    """Read XComs of some tasks of a run, by key."""
    from airflow.models.xcom import XComModel  # noqa: TID251 - runs in the scheduler, not in a task

    query = XComModel.get_many(
        run_id=dag_run.run_id, dag_ids=dag_run.dag_id, task_ids=list(tasks)
    ).where(XComModel.key.in_(keys))
    rows = session.execute(query.with_only_columns(XComModel.key, XComModel.value))
    return {key: json.loads(value) if isinstance(value, str) else value for key, value in rows}
