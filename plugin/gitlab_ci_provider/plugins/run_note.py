"""Notes in the Airflow UI: how a pipeline ended, why jobs failed, and why others are not in it.

A task of Airflow 3 cannot write notes, a run that passed with warnings is as green as any other,
and a task that was never started has no log. So the scheduler, which calls listeners with the run
that it has just ended, copies what the tasks have left as XComs. Notes that people wrote stay.

The same listeners correct the state of a run, see `run_state.py`, and release its DAG.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from airflow.listeners import hookimpl
from airflow.sdk.plugins_manager import AirflowPlugin

from gitlab_ci_provider.airflow_internals import database
from gitlab_ci_provider.airflow_internals.database import read_xcom, read_xcoms
from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE
from gitlab_ci_provider.model.run import JobStatus
from gitlab_ci_provider.plugins.let_go import let_go
from gitlab_ci_provider.plugins.run_state import (
    is_pipeline_run,
    keep_state_set_by_others,
    why_not_passed,
)

_OURS = "Pipeline "
"""How our notes of runs begin."""

_ABSENT, _FAILED, _CANCELED = "not in this pipeline: ", "Job failed: ", "Job canceled "
_OURS_OF_TASKS = (_ABSENT, _FAILED, _CANCELED)
"""How our notes of tasks begin."""

_LONGEST = 1000
"""Characters that the column holds; more would break the scheduler's transaction."""

_BY_HAND = "Dag Run's state was manually set"
"""How Airflow's message begins when a person or program has ended the run."""


@hookimpl
def on_dag_run_running(dag_run: Any, msg: str) -> None:  # noqa: ARG001 - Airflow names them
    """Keep a run from starting that was stopped while it was queued."""
    session = _session(dag_run)
    if session is not None:
        keep_state_set_by_others(session, dag_run, "queued")


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:
    """Let a run pass only if `finish_pipeline` has said so, and write its notes."""
    session = _session(dag_run)
    if session is None:
        return
    if msg.startswith(_BY_HAND):
        _end(session, dag_run, "marked as successful by hand")
        return
    if keep_state_set_by_others(session, dag_run, "running"):
        _end_if_over(session, dag_run)
        return
    problem = why_not_passed(session, dag_run)
    if problem:
        dag_run.state = "failed"
    _end(session, dag_run, problem)


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    """Write the notes of a run that has failed, or was stopped."""
    session = _session(dag_run)
    if session is None:
        return
    if msg.startswith(_BY_HAND):
        _end(session, dag_run, "canceled by hand")
    elif keep_state_set_by_others(session, dag_run, "running"):
        _end_if_over(session, dag_run)
    else:
        _end(session, dag_run, "")


def _session(dag_run: Any) -> Any:
    """Return the session of the run; None for a run that is not a pipeline."""
    return database.session_of(dag_run) if is_pipeline_run(dag_run) else None


def _end_if_over(session: Any, dag_run: Any) -> None:
    """End a run that others have ended in the meantime; one that was cleared continues."""
    if dag_run.state == "failed":
        _end(session, dag_run, "canceled by hand")


def _end(session: Any, dag_run: Any, instead: str) -> None:
    """Write the notes of a run, and release what it holds.

    Args:
        session: of the run.
        dag_run: the run.
        instead: text of the note in place of the one from `finish_pipeline`.
    """
    write_notes(session, dag_run, instead)
    let_go(dag_run.dag_id, dag_run.run_id)


def write_notes(session: Any, dag_run: Any, instead: str) -> None:
    """Write the notes of a pipeline's run and of its tasks."""
    end = read_xcom(session, dag_run, xcom_keys.PIPELINE_RESULT, FINISH_PIPELINE)
    text = f"{_OURS}{instead}"[:_LONGEST] if instead else run_note(end)
    if text and (dag_run.note or _OURS).startswith(_OURS):
        dag_run.note = text
    left_out = read_xcom(session, dag_run, xcom_keys.LEFT_OUT, CREATE_PIPELINE)
    _write_task_notes(session, dag_run, absence_notes(left_out))


def run_note(end: Any) -> str:
    """Word the note of a run; empty for a pipeline that simply passed.

    The name (`workflow:name`) is always mentioned: runs in Airflow have no names.
    """
    if not isinstance(end, Mapping):
        return ""
    said, name = str(end.get("text", "")), str(end.get("name") or "")
    if not said or (said == "passed" and not name):
        return ""
    named = f"'{name}' " if name else ""
    return f"{_OURS}{named}{said}"[:_LONGEST]


def absence_notes(left_out: Any) -> dict[str, str]:
    """Word the notes of tasks whose jobs are not in the pipeline."""
    if not isinstance(left_out, Mapping):
        return {}
    return {task: f"{_ABSENT}{why}"[:_LONGEST] for task, why in left_out.items()}


def failure_note(told: Any) -> str:
    """Word the note of a task that has failed: GitLab's reason, and what happened.

    A task that failed without leaving a result was marked by a person, or died.
    """
    if not isinstance(told, Mapping):
        return ""
    message = str(told.get("reason") or "")
    if told.get("status") == JobStatus.CANCELED:
        return f"{_CANCELED}{message}"[:_LONGEST]
    if told.get("status") != JobStatus.FAILED:
        return ""
    words = FailureReason(str(told.get("failure_reason") or FailureReason.UNKNOWN_FAILURE)).words
    said = message if message.startswith(words) else f"{words}: {message}".removesuffix(": ")
    return f"{_FAILED}{said}"[:_LONGEST]


def _write_task_notes(session: Any, dag_run: Any, absent: Mapping[str, str]) -> None:
    """Write task notes and delete our outdated ones; notes of other people stay."""
    tasks = database.noted_tasks(session, dag_run, absent)
    failed = [task.task_id for task in tasks if task.state == "failed"]
    told = read_xcoms(session, dag_run, xcom_keys.JOB_RESULT, failed) if failed else {}
    notes = {**absent, **{task: failure_note(result) for task, result in told.items()}}
    for task in tasks:
        note = notes.get(task.task_id, "")
        is_ours = task.note is not None and task.note.startswith(_OURS_OF_TASKS)
        if note and (task.note is None or is_ours):
            task.note = note
        elif is_ours:
            database.drop_note(task)


class RunNotePlugin(AirflowPlugin):
    """Registers the listener through an entry point: `get_provider_info` is read too late."""

    name = "gitlab_ci_run_note"
    listeners = [sys.modules[__name__]]  # noqa: RUF012 - Airflow declares it so
