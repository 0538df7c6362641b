"""XComs as the API server writes and deletes them, and the notes of tasks, in the same transaction.

A task cannot write notes. What it leaves as an XCom passes through the API server, which can.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gitlab_ci_provider.airflow_internals.run_rows import decoded

_PLACE = frozenset({"dag_id", "run_id", "task_id", "map_index", "key"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An XCom that is being written, or deleted: then its value is None."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    key: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedTask:
    """A task with its note; `operator` is the name of its class."""

    id: Any
    task_id: str
    operator: str
    note: str | None


Notes = Mapping[Any, str]
"""New notes by `NotedTask.id`; an empty one is deleted."""


def hear_xcoms(keys: Collection[str], hear: Callable[[Any, Written], None]) -> None:
    """Have a function called for each XCom of some keys that this process writes or deletes.

    What it does on the connection that it gets is undone if it fails, and nothing else is.
    """
    from airflow.models.xcom import XComModel
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    def inserted(mapper: Any, connection: Any, row: Any) -> None:  # noqa: ARG001 - SQLAlchemy's
        if row.key in keys:
            _tell(hear, connection, _written(vars(row), decoded(row.value)))

    def executed(state: Any) -> None:
        if state.is_delete and getattr(state.bind_mapper, "class_", None) is XComModel:
            asked = _asked(state.statement)
            if asked.get("key") in keys and set(asked) >= _PLACE:
                _tell(hear, state.session.connection(), _written(asked, None))

    event.listen(XComModel, "after_insert", inserted)
    event.listen(Session, "do_orm_execute", executed)


def _asked(statement: Any) -> dict[str, Any]:
    """Read which values the columns must have; what is asked otherwise, of many XComs, is left."""
    from sqlalchemy.sql.operators import eq

    where = statement.whereclause
    parts = getattr(where, "clauses", [where])
    equal = [part for part in parts if getattr(part, "operator", None) is eq]
    return {part.left.name: part.right.value for part in equal if hasattr(part.right, "value")}


def _written(place: Mapping[str, Any], value: Any) -> Written:
    return Written(**{name: place[name] for name in _PLACE}, value=value)


def _tell(hear: Callable[[Any, Written], None], connection: Any, written: Written) -> None:
    try:
        with connection.begin_nested():
            hear(connection, written)
    except Exception:  # noqa: BLE001 - a note must not fail what is written
        _log.exception("the notes of %s in %s stay", written.task_id, written.run_id)


def read_noted(connection: Any, place: Written, tasks: Collection[str]) -> list[NotedTask]:
    """Read tasks of the run of an XCom, with their notes."""
    from airflow.models.taskinstance import TaskInstance, TaskInstanceNote
    from sqlalchemy import select

    columns = (TaskInstance.id, TaskInstance.task_id, TaskInstance.operator)
    query = (
        select(*columns, TaskInstanceNote.content)
        .outerjoin(TaskInstanceNote, TaskInstanceNote.ti_id == TaskInstance.id)
        .where(TaskInstance.dag_id == place.dag_id, TaskInstance.run_id == place.run_id)
        .where(TaskInstance.map_index == place.map_index, TaskInstance.task_id.in_(list(tasks)))
    )
    return [
        NotedTask(id=key, task_id=task, operator=operator or "", note=note)
        for key, task, operator, note in connection.execute(query)
    ]


def write_notes(connection: Any, tasks: Collection[NotedTask], notes: Notes) -> None:
    """Write, change and delete notes."""
    from airflow.models.taskinstance import TaskInstanceNote
    from sqlalchemy import delete, insert

    changed = [task.id for task in tasks if task.note is not None and task.id in notes]
    if changed:
        connection.execute(delete(TaskInstanceNote).where(TaskInstanceNote.ti_id.in_(changed)))
    rows = [{"ti_id": key, "content": text} for key, text in notes.items() if text]
    if rows:
        connection.execute(insert(TaskInstanceNote), rows)
