"""Airflow's tables still have the columns that listeners and the embedded stack work with."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from airflow.jobs.job import Job
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dagrun import DagRun
from airflow.models.errors import ParseImportError
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import create_engine, insert, select
from sqlalchemy.orm import Session

from gitlab_ci_provider.airflow_internals import database
from unit.airflow_internals.contracts import contract

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
TASKS = {"done": "success", "runs": "running", "waits": None, "asks": "awaiting_input"}


@pytest.fixture
def session() -> Iterator[Session]:
    """A database with one open run, its tasks, and a question of one of them."""
    import_all_models()
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as opened:
        run = {"id": 1, "dag_id": "d", "run_id": "r", "run_type": "manual", "state": "running"}
        times = {"run_after": SINCE, "log_template_id": 1}
        opened.execute(insert(DagRun.__table__).values(**run, **times))
        for number, (task, state) in enumerate(TASKS.items(), start=1):
            opened.execute(insert(TaskInstance.__table__).values(**_task(number, task, state)))
        question = {"ti_id": UUID(int=4), "options": ["Play"], "subject": "s"}
        opened.execute(insert(HITLDetail.__table__).values(**question))
        yield opened


def _task(number: int, task: str, state: str | None) -> dict[str, Any]:
    identity = {"id": UUID(int=number), "dag_id": "d", "run_id": "r", "task_id": task}
    return {**identity, "state": state, "pool": "default_pool", "queued_dttm": SINCE}


def _run(session: Session) -> Any:
    return session.scalars(select(DagRun)).one()


def test_xcoms_of_a_run_are_read_by_key(session: Session):
    """The plugin reads what tasks have left; Airflow stores it as JSON text."""
    place = {"dag_run_id": 1, "dag_id": "d", "run_id": "r", "task_id": "done"}
    for key, value in {"left": {"a": 1}, "other": 1}.items():
        values = {**place, "key": key, "value": json.dumps(value), "timestamp": SINCE}
        session.execute(insert(XComModel.__table__).values(**values))

    with contract("XComModel.get_many", "the notes of runs and tasks, and how a run ends"):
        found = database.read_xcoms(session, _run(session), "left", ["done", "runs"])
        assert found == {"done": {"a": 1}}
        assert database.read_xcoms(session, _run(session), "left") == found
        link = {**place, "key": "link", "value": "https://example.com", "timestamp": SINCE}
        session.execute(insert(XComModel.__table__).values(**link))
        links = database.read_xcoms(session, _run(session), "link")
        assert links == {"done": "https://example.com"}, "extra links are stored as they are"
        assert database.read_xcom(session, _run(session), "left", "runs") is None


def test_tasks_of_a_run_are_read(session: Session):
    """How a run ends depends on the states of its tasks and on when they were queued."""
    with contract("TaskInstance.task_id, state, queued_dttm", "how a run ends"):
        found = database.read_tasks(session, _run(session))
        assert {task: row.state for task, row in found.items()} == TASKS
        assert found["done"].queued_dttm == SINCE


def test_tasks_that_may_get_a_note_are_found(session: Session):
    """A job that failed or is not in the pipeline says why, in its task's note."""
    with contract("TaskInstance.note, task_instance_note", "the notes of tasks"):
        tasks = {task.task_id: task for task in session.scalars(select(TaskInstance))}
        tasks["done"].note = "by a person"
        tasks["runs"].state = "failed"
        session.flush()
        found = database.noted_tasks(session, _run(session), ["waits"])
        assert {task.task_id for task in found} == {"done", "runs", "waits"}
        database.drop_note(tasks["done"])
        session.flush()
        session.expire_all()
        assert tasks["done"].note is None


def test_the_note_of_a_run_can_be_set(session: Session):
    """The listener writes how the pipeline ended."""
    with contract("DagRun.note", "the notes of runs"):
        run = _run(session)
        run.note = "Pipeline passed"
        session.flush()
        session.expire_all()
        assert _run(session).note == "Pipeline passed"


def test_the_state_of_a_run_is_read_past_the_sessions_own_change(session: Session):
    """The scheduler's decision is in the session, another one may be in the database."""
    with contract("DagRun.__table__.c.state", "runs that people have stopped meanwhile"):
        run = _run(session)
        assert database.session_of(run) is session
        run.state = "success"
        assert database.written_state(session, run) == "running"


def test_components_that_have_died_are_closed(session: Session):
    """Tasks and triggers of a component are free only when its job has ended."""
    for number, kind in enumerate(["SchedulerJob", "TriggererJob"]):
        job = {"id": number, "state": "running", "job_type": kind}
        session.execute(insert(Job.__table__).values(**job))

    with contract("Job.state, job_type, end_date", "restarts of the embedded Airflow"):
        database.close_jobs(session, "SchedulerJob")
        rows = session.execute(select(Job.job_type, Job.state)).all()
        states = {row.job_type: row.state for row in rows}
        assert states == {"SchedulerJob": "failed", "TriggererJob": "running"}


def test_errors_of_dag_files_are_forgotten(session: Session):
    """An error of a file that is gone would be shown forever."""
    session.execute(insert(ParseImportError.__table__).values(filename="f", timestamp=SINCE))

    with contract("ParseImportError", "starts of the embedded stack"):
        database.forget_import_errors(session)
        assert session.scalars(select(ParseImportError)).all() == []


def test_an_open_run_is_closed_with_its_tasks(session: Session):
    """A run whose stack has died must not go on, and says so."""
    with contract("DagRun.set_state, task_instances, note", "starts of the embedded stack"):
        (run,) = database.open_runs(session)
        run.note = "before"
        database.close_run(run, {"running": "failed", None: "skipped"}.get, "the stack has died")
        session.flush()
        assert (run.state, run.note) == ("failed", "before\nthe stack has died")
        assert run.end_date is not None
        states = {task.task_id: str(task.state) for task in run.task_instances}
        assert states == {
            "done": "success",
            "runs": "failed",
            "waits": "skipped",
            "asks": "awaiting_input",
        }
        assert database.open_runs(session) == []


def test_questions_of_open_runs_stay(session: Session):
    """A manual job can be played after a restart; one of a run that has ended cannot."""
    with contract("HITLDetail.ti_id, responded_at", "starts of the embedded stack"):
        database.drop_questions(session)
        assert len(session.scalars(select(HITLDetail)).all()) == 1
        _run(session).set_state("failed")
        session.flush()
        database.drop_questions(session)
        assert session.scalars(select(HITLDetail)).all() == []


def test_tables_and_sessions_are_made_by_functions_without_arguments():
    """The embedded stack makes the tables before any component starts."""
    with contract("airflow.utils.db.upgradedb, airflow.utils.session.create_session", "the stack"):
        from airflow.utils.db import upgradedb
        from airflow.utils.session import create_session

        for function in (upgradedb, create_session):
            inspect.signature(function).bind()
