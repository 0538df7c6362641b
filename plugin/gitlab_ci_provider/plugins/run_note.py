"""Notes in the Airflow UI: what a run is for and how it ended, why jobs failed or did not run.

A task of Airflow 3 cannot write notes, a run that passed with warnings is as green as any other,
and a task that was never started has no log. So the scheduler, which calls listeners with the run
that it has just ended, copies what the tasks have left as XComs. Notes that people wrote stay.

Airflow shows notes as Markdown, and much in ours is the words of authors of pipelines. So ours have
no images, which each reader's browser would fetch from wherever, and no links with other texts but
those of `note_links.py`.

The same listeners correct the state of a run, see `run_state.py`, and release its DAG.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

from airflow.listeners import hookimpl
from airflow.sdk.plugins_manager import AirflowPlugin

from gitlab_ci_provider.airflow_internals import database
from gitlab_ci_provider.airflow_internals.database import read_xcom, read_xcoms
from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.begun_note import OUR_NOTE, begun_note
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE
from gitlab_ci_provider.model.quoted import quoted
from gitlab_ci_provider.model.run import ABSENT_NOTE, JobStatus
from gitlab_ci_provider.plugins import stop_environments
from gitlab_ci_provider.plugins.let_go import let_go
from gitlab_ci_provider.plugins.note_links import BEGINNINGS, read_note_links, with_links
from gitlab_ci_provider.plugins.run_state import (
    is_pipeline_run,
    keep_state_set_by_others,
    why_not_passed,
)

_FAILED, _CANCELED = "Job failed: ", "Job canceled "
_SKIPPED, _MANUAL = "Job skipped: ", "Manual job, not played"
_NO_POOL = "Job waits: there is no Airflow pool "
_OURS_OF_TASKS = (ABSENT_NOTE, _FAILED, _CANCELED, _SKIPPED, _MANUAL, _NO_POOL, *BEGINNINGS)
"""How our notes of tasks begin."""

_LONGEST = 1000
"""Characters that the column holds; more would break the scheduler's transaction."""

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")

_LONGEST_NAME = 100
"""Characters of the name of a test."""

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
        dag_run.note = _note(f"{begun}{no_pool_words(waiting)}")


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


def no_pool_note(pool: str) -> str:
    """Word the note of a task that Airflow does not start."""
    return (
        f"{_NO_POOL}'{pool}', which the job's runner names. An administrator creates it: "
        f"`airflow pools set {pool} SLOTS DESCRIPTION`; then the job starts by itself"
    )[:_LONGEST]


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
        told = _note(quoted(", ".join(map(str, untold)), _LONGEST_NAME))
        tail += f". GitLab was not told {told}: see the log of finish_pipeline"
    return _note(f"{OUR_NOTE}{' '.join(words)}", _LONGEST - len(tail)) + tail


def absence_notes(left_out: Any) -> dict[str, str]:
    """Word the notes of tasks whose jobs are not in the pipeline."""
    if not isinstance(left_out, Mapping):
        return {}
    return {task: _note(f"{ABSENT_NOTE}{why}") for task, why in left_out.items()}


def job_note(told: Any) -> str:
    """Word the note of a task whose job has not passed: GitLab's reason, and what happened.

    A task that failed without leaving a result was marked by a person, or died.
    """
    if not isinstance(told, Mapping):
        return ""
    message = str(told.get("reason") or "")
    if told.get("status") == JobStatus.CANCELED:
        return _note(f"{_CANCELED}{message}")
    if told.get("status") == JobStatus.SKIPPED and message:
        return _note(f"{_SKIPPED}{message}")
    if told.get("status") == JobStatus.MANUAL:
        return f"{_MANUAL}: clear this task to play it"
    if told.get("status") != JobStatus.FAILED:
        return ""
    words = FailureReason(str(told.get("failure_reason") or FailureReason.UNKNOWN_FAILURE)).words
    said = message if message.startswith(words) else f"{words}: {message}".removesuffix(": ")
    return _note(f"{_FAILED}{said}{_failed_tests(told.get('reports'))}")


def _note(text: str, longest: int = _LONGEST) -> str:
    """Cut a text, and let nothing in it be an image, a link or, for one, an address by itself."""
    plain = text.replace("![", "! [").replace("](", "] (")
    return _BLANK_LINES.sub("\n", plain)[:longest]


def _failed_tests(reports: Any) -> str:
    """Count the failed tests of a job's JUnit reports, and name the first of them."""
    listed = [report for report in reports if isinstance(report, Mapping)] if reports else []
    junit = [report for report in listed if report.get("kind") == "junit"]
    summaries = [report.get("summary") or {} for report in junit]
    names = [quoted(str(name), _LONGEST_NAME) for one in junit for name in one.get("failed") or ()]
    bad = sum(int(one.get("failed", 0)) + int(one.get("error", 0)) for one in summaries)
    whole = sum(int(one.get("total", 0)) for one in summaries)
    more = [f"{bad - len(names)} more"] if bad > len(names) else []
    named = f": {', '.join(names + more)}" if names else ""
    return f"; {bad} of {whole} tests failed{named}" if bad else ""


def _note_missing_pools(session: Any, dag_run: Any) -> dict[str, str]:
    """Write the notes of tasks whose pool does not exist; gives their pools."""
    tasks = database.tasks_without_pool(session, dag_run)
    for task in tasks:
        if task.note is None or task.note.startswith(_OURS_OF_TASKS):
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
    notes = with_links(notes, links, _LONGEST)
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
    listeners = [sys.modules[__name__], stop_environments]  # noqa: RUF012 - Airflow declares it so
