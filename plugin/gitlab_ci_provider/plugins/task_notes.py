"""Notes of tasks as soon as there is something to say, written by the API server.

A task leaves as XComs how its job ended, which jobs are not in the pipeline and where links lead.
The API server stores them, and notes with them. When a task begins anew, it has its XComs deleted,
and its note goes, too. So notes cost no request, and no task can fail by them. The scheduler writes
them again when the run ends, see `run_note.py`.
"""

from __future__ import annotations

from typing import Any

from gitlab_ci_provider.airflow_internals.written_xcoms import (
    Written,
    hear_xcoms,
    read_noted,
    write_notes,
)
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.plugins.note_links import NAMES, with_links, worded
from gitlab_ci_provider.plugins.task_note import LONGEST, OURS_OF_TASKS, absence_notes, job_note

_KEYS = frozenset({xcom_keys.JOB_RESULT, xcom_keys.LEFT_OUT, *NAMES})
_OPERATORS = frozenset({"GitlabJobOperator", "GitlabBridgeOperator", "CreatePipelineOperator"})


def begin_to_hear() -> None:
    """Write notes whenever this process stores what a job or `create_pipeline` has left."""
    hear_xcoms(_KEYS, _hear)


def _hear(connection: Any, xcom: Written) -> None:
    left_out = absence_notes(xcom.value) if xcom.key == xcom_keys.LEFT_OUT else {}
    tasks = {task.task_id: task for task in read_noted(connection, xcom, {xcom.task_id, *left_out})}
    own = tasks.get(xcom.task_id)
    if own is None or own.operator not in _OPERATORS:
        return
    wanted = left_out or {xcom.task_id: _own_note(xcom, own.note or "")}
    changed = {
        tasks[name].id: note
        for name, note in wanted.items()
        if name in tasks and is_replaced(tasks[name].note, note)
    }
    write_notes(connection, list(tasks.values()), changed)


def _own_note(xcom: Written, before: str) -> str:
    """Word the note of the task that has left an XCom, or has begun anew."""
    if xcom.key == xcom_keys.JOB_RESULT:
        return job_note(xcom.value)
    link = worded(NAMES[xcom.key], xcom.value) if xcom.key in NAMES else ""
    if not link or link in before:
        return before
    return with_links({xcom.task_id: before}, {xcom.task_id: link}, LONGEST)[xcom.task_id]


def is_replaced(before: str | None, note: str) -> bool:
    """Return whether a note changes: notes of people stay."""
    ours = before is None or before.startswith(OURS_OF_TASKS)
    return ours and note != (before or "")
