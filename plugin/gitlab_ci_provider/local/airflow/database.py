"""Airflow's database before its components start: made, and cleaned of what a crash has left."""

from __future__ import annotations

import sqlite3
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.local.home import Home

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_NOTE = "the embedded stack ended while this pipeline ran"

_OPEN = ("queued", "running")
_ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_UNDER_WAY = frozenset(
    {"running", "restarting", "queued", "deferred", "up_for_reschedule", "awaiting_input"}
)


def prepare(home: Home, *, again: bool = False) -> None:
    """Make Airflow's tables unless that is done, and close what nobody does any more.

    When only Airflow has died and is started `again`, its runs go on: their pods do.
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
    from airflow.utils.db import upgradedb

    with sqlite3.connect(home.airflow / "airflow.db") as database:
        database.execute("PRAGMA journal_mode=WAL")
    database.close()
    upgradedb()


def clean() -> None:
    """Close what was open when the last stack ended: components, runs, questions, errors."""
    from airflow.models.errors import ParseImportError
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        _close_jobs(session, None)
        session.execute(delete(ParseImportError))
        for run in _orphans(session):
            _close_run(run)
        session.flush()
        _drop_questions(session)


def close_job(kind: str | None) -> None:
    """Tell that a component (or all), which is started again, has died: what it had is free."""
    from airflow.utils.session import create_session

    with create_session() as session:
        _close_jobs(session, kind)


def _close_jobs(session: Session, kind: str | None) -> None:
    from airflow._shared.timezones.timezone import utcnow
    from airflow.jobs.job import Job
    from sqlalchemy import update

    closing = update(Job).where(Job.state == "running")
    if kind is not None:
        closing = closing.where(Job.job_type == kind)
    session.execute(closing.values(state="failed", end_date=utcnow()))


def _orphans(session: Session) -> list[Any]:
    """Find the open runs of which something was under way."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    runs = session.scalars(select(DagRun).where(DagRun.state.in_(_OPEN))).all()
    return [run for run in runs if not _waits_for_a_person(run)]


def _waits_for_a_person(run: Any) -> bool:
    """Tell whether a run can go on as if nothing had happened."""
    states = {task.state for task in run.task_instances} - _ENDED
    return "awaiting_input" in states and states <= {"awaiting_input", None}


def _close_run(run: Any) -> None:
    """Mark a run as failed, and its tasks as Airflow does when a person marks it so."""
    from airflow._shared.timezones.timezone import utcnow

    for task in run.task_instances:
        if task.state not in _ENDED:
            task.state = "failed" if task.state in _UNDER_WAY else "skipped"
            task.end_date = utcnow()
            task.trigger_id = None
    run.set_state("failed")
    run.note = f"{run.note}\n{_NOTE}" if run.note else _NOTE


def _drop_questions(session: Session) -> None:
    """Forget what people were asked for runs that have ended."""
    from airflow.models.dagrun import DagRun
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import delete, select

    waiting = (
        select(TaskInstance.id)
        .join(DagRun, TaskInstance.dag_run)
        .where(DagRun.state.in_(_OPEN), TaskInstance.state == "awaiting_input")
    )
    unanswered = HITLDetail.responded_at.is_(None)
    dropping = delete(HITLDetail).where(unanswered, HITLDetail.ti_id.not_in(waiting))
    session.execute(dropping.execution_options(synchronize_session=False))
