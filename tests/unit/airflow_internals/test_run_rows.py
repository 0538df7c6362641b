"""Airflow's tables still have the columns that the pipeline page reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import create_engine, insert
from sqlalchemy.orm import Session

from gitlab_ci_provider.airflow_internals import run_rows
from unit.airflow_internals.contracts import contract

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = "the pipeline page"


@pytest.fixture
def session() -> Iterator[Session]:
    """A database with a run that has one task, which has left an XCom."""
    import_all_models()
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as opened:
        run = {"id": 1, "dag_id": "d", "run_id": "r", "run_type": "manual", "state": "running"}
        times = {"run_after": SINCE, "start_date": SINCE, "triggering_user_name": "ada"}
        opened.execute(insert(DagRun.__table__).values(**run, **times, log_template_id=1))
        identity = {"id": UUID(int=1), "dag_id": "d", "run_id": "r", "task_id": "t"}
        task = {"state": "success", "try_number": 2, "duration": 1.5, "pool": "default_pool"}
        opened.execute(insert(TaskInstance.__table__).values(**identity, **task))
        place = {"dag_run_id": 1, "dag_id": "d", "run_id": "r", "task_id": "t"}
        left = {"key": "left", "value": '{"a": 1}', "timestamp": SINCE}
        opened.execute(insert(XComModel.__table__).values(**place, **left))
        yield opened


def test_a_run_is_read_with_its_tasks_and_what_they_left(session: Session):
    """One query each, whatever the number of jobs."""
    with contract("DagRun, TaskInstance and XComModel", PAGE):
        run = run_rows.read_run(session, "d", "r")
        assert run is not None
        assert (run.state, run.user, run.started, run.note) == ("running", "ada", SINCE, "")
        task = run_rows.read_task_rows(session, run)["t"]
        assert (task.state, task.tries, task.duration) == ("success", 2, 1.5)
        assert run_rows.read_run_xcoms(session, run, ["left", "x"]) == {"left": {"t": {"a": 1}}}
        assert run_rows.xcom_stamp(session, run)[0] == 1


def test_the_string_of_a_task_is_read_as_it_is(session: Session):
    """The API server stores it without quotes; `pin` is such a string."""
    place = {"dag_run_id": 1, "dag_id": "d", "run_id": "r", "task_id": "t"}
    left = {"key": "pin", "value": "2026-01-01/abc", "timestamp": SINCE}
    session.execute(insert(XComModel.__table__).values(**place, **left))
    run = run_rows.read_run(session, "d", "r")
    assert run is not None
    assert run_rows.read_run_xcoms(session, run, ["pin"]) == {"pin": {"t": "2026-01-01/abc"}}


def test_a_run_that_is_not_there_is_none(session: Session):
    """A page of a deleted run."""
    assert run_rows.read_run(session, "d", "other") is None
