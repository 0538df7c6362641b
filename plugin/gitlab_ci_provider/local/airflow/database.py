"""Airflow's database before its components start: created, and cleaned up after a crash."""

from __future__ import annotations

import sqlite3
from importlib.metadata import version
from typing import Any

from gitlab_ci_provider.airflow_internals import database
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.model.airflow_states import AWAITING_INPUT, ENDED

_NOTE = "the embedded stack ended while this pipeline ran"

_UNDER_WAY = frozenset(
    {"running", "restarting", "queued", "deferred", "up_for_reschedule", AWAITING_INPUT}
)


def prepare(home: Home, *, again: bool = False) -> None:
    """Make Airflow's tables if needed, and close what nobody works on any more.

    When only Airflow has died and is started `again`, its runs continue: their pods still run.
    """
    marker = home.airflow / f".tables-{version('apache-airflow-core')}"
    if not marker.exists():
        _make_tables(home)
        marker.touch()
    if again:
        close_job(None)
    else:
        clean()


def _make_tables(home: Home) -> None:
    """Make or migrate the tables.

    WAL mode, set on the empty file, lets the processes read while one writes.
    """
    with sqlite3.connect(home.airflow / "airflow.db") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    database.make_tables()


def clean() -> None:
    """Close what was open when the last stack ended: components, runs, questions, errors."""
    with database.open_session() as session:
        database.close_jobs(session, None)
        database.forget_import_errors(session)
        for run in database.open_runs(session):
            if not _waits_for_a_person(run):
                database.close_run(run, _end_of, _NOTE)
        session.flush()
        database.drop_questions(session)


def close_job(kind: str | None) -> None:
    """Record that a component (or all) has died, before it is started again."""
    with database.open_session() as session:
        database.close_jobs(session, kind)


def _waits_for_a_person(run: Any) -> bool:
    """Return whether a run can continue as if nothing had happened."""
    states = {task.state for task in run.task_instances} - ENDED
    return AWAITING_INPUT in states and states <= {AWAITING_INPUT, None}


def _end_of(state: str | None) -> str | None:
    """Choose the last state of a task, as Airflow does when a person marks its run as failed."""
    if state in ENDED:
        return None
    return "failed" if state in _UNDER_WAY else "skipped"
