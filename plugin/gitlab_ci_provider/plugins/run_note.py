"""Notes in the Airflow UI: what a run is for and how it ended, why jobs failed or did not run.

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
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.begun_note import OUR_NOTE, begun_note
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE
from gitlab_ci_provider.model.quoted import quoted
from gitlab_ci_provider.plugins import stop_environments
from gitlab_ci_provider.plugins.let_go import let_go
from gitlab_ci_provider.plugins.note_links import read_note_links, with_links
from gitlab_ci_provider.plugins.run_state import (
    is_pipeline_run,
    keep_state_set_by_others,
    why_not_passed,
)
from gitlab_ci_provider.plugins.task_note import (
    LONGEST,
    LONGEST_NAME,
    OURS_OF_TASKS,
    absence_notes,
    clean_note,
    job_note,
    no_pool_note,
)

_BY_HAND = "Dag Run's state was manually set"
"""How Airflow's message begins when a person or program has ended the run."""


@hookimpl
def on_dag_run_running(dag_run: Any, msg: str) -> None:  # noqa: ARG001 - Airflow names them
    """Write what a run is for; keep one from starting that was stopped while it was queued."""
    session = _session(dag_run)
    if session is None or keep_state_set_by_others(session, dag_run, "queued"):
        return
    waiting = _note_missing_pools(session, dag_run)
    if (dag_run.note or OUR_NOTE).startswith(OUR_NOTE):
        begun = begun_note(dag_run.conf, str(dag_run.triggering_user_name or ""))
        dag_run.note = clean_note(f"{begun}{no_pool_words(waiting)}")


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
    untold = read_xcom(session, dag_run, xcom_keys.UNTOLD, FINISH_PIPELINE)
    said = {**_known(session, dag_run), "text": instead} if instead else end
    text = run_note(said, untold)
    if text and (dag_run.note or OUR_NOTE).startswith(OUR_NOTE):
        dag_run.note = text
    left_out = read_xcom(session, dag_run, xcom_keys.LEFT_OUT, CREATE_PIPELINE)
    links = read_note_links(session, dag_run)
    _write_task_notes(session, dag_run, absence_notes(left_out), links)


def _known(session: Any, dag_run: Any) -> dict[str, Any]:
    """Read what a run is for: from its pipeline, else from what was asked for."""
    about = read_xcom(session, dag_run, xcom_keys.ABOUT, CREATE_PIPELINE)
    made = about if isinstance(about, Mapping) else {}
    asked = made or (dag_run.conf if isinstance(dag_run.conf, Mapping) else {})
    ref, sha = (quoted(str(asked.get(key) or "")) for key in ("ref", "sha"))
    return {"id": made.get("id"), "name": made.get("name"), "ref": ref, "commit": sha[:8]}


def no_pool_words(waiting: Mapping[str, str]) -> str:
    """Say in the note of a run which tasks wait for which pools; empty when none does."""
    pools = sorted(set(waiting.values()))
    tasks = ", ".join(waiting)
    missing = " and ".join(f"'{pool}'" for pool in pools)
    return f". There is no Airflow pool {missing}, so these wait: {tasks}" if pools else ""


def run_note(end: Any, untold: Any = None) -> str:
    """Word the note of a run that has ended; empty if it has left nothing.

    Number, name (`workflow:name`), ref and commit are always mentioned: runs in Airflow have none.
    So is what GitLab was not told.
    """
    if not isinstance(end, Mapping) or not end.get("text"):
        return ""
    number, name = end.get("id"), str(end.get("name") or "")
    words = [*([str(number)] if number else []), *([f"'{name}'"] if name else []), str(end["text"])]
    place = ", ".join(str(end[key]) for key in ("ref", "commit") if end.get(key))
    tail = f" ({place})" if place else ""
    if isinstance(untold, list) and untold:
        told = clean_note(quoted(", ".join(map(str, untold)), LONGEST_NAME))
        tail += f". GitLab was not told {told}: see the log of finish_pipeline"
    return clean_note(f"{OUR_NOTE}{' '.join(words)}", LONGEST - len(tail)) + tail


def _note_missing_pools(session: Any, dag_run: Any) -> dict[str, str]:
    """Write the notes of tasks whose pool does not exist; gives their pools."""
    tasks = database.tasks_without_pool(session, dag_run)
    for task in tasks:
        if task.note is None or task.note.startswith(OURS_OF_TASKS):
            task.note = no_pool_note(task.pool)
    return {task.task_id: task.pool for task in tasks}


def _write_task_notes(
    session: Any, dag_run: Any, absent: Mapping[str, str], links: Mapping[str, str]
) -> None:
    """Write task notes and delete our outdated ones; notes of other people stay."""
    tasks = database.noted_tasks(session, dag_run, {*absent, *links})
    left = [task.task_id for task in tasks if task.state in {"failed", "skipped"}]
    told = read_xcoms(session, dag_run, xcom_keys.JOB_RESULT, left) if left else {}
    notes = {**absent, **{task: job_note(result) for task, result in told.items()}}
    notes = with_links(notes, links, LONGEST)
    for task in tasks:
        note = notes.get(task.task_id, "")
        is_ours = task.note is not None and task.note.startswith(OURS_OF_TASKS)
        if note and (task.note is None or is_ours):
            task.note = note
        elif is_ours:
            database.drop_note(task)


class RunNotePlugin(AirflowPlugin):
    """Registers the listener through an entry point: `get_provider_info` is read too late."""

    name = "gitlab_ci_run_note"
    listeners = [sys.modules[__name__], stop_environments]  # noqa: RUF012 - Airflow declares it so
