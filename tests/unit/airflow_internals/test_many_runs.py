"""Airflow's tables still have what lists of pipelines read, with one query for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun, DagRunNote
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import create_engine, event, insert
from sqlalchemy.orm import Session

from gitlab_ci_provider.airflow_internals import many_runs
from unit.airflow_internals.contracts import contract

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
LIST = "the list of projects"


@pytest.fixture
def session() -> Iterator[Session]:
    """A database with three runs of each of two DAGs; each run has a note, a task and an XCom."""
    import_all_models()
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as opened:
        opened.add(DagModel(dag_id="a", is_paused=True, is_stale=False, bundle_name="d"))
        for number in range(1, 7):
            dag, at = "ab"[number % 2], SINCE + timedelta(hours=number)
            place = {"dag_id": dag, "run_id": str(number)}
            run = {"id": number, "run_type": "manual", "state": "running", "run_after": at}
            opened.execute(insert(DagRun.__table__).values(**place, **run, log_template_id=1))
            note = {"dag_run_id": number, "content": f"note {number}"}
            opened.execute(
                insert(DagRunNote.__table__).values(**note, created_at=at, updated_at=at)
            )
            task = {"id": UUID(int=number), "task_id": "t", "state": "queued", "pool": "p"}
            opened.execute(insert(TaskInstance.__table__).values(**place, **task))
            left = {"dag_run_id": number, "task_id": "t", "key": "k", "value": f'"{number}"'}
            opened.execute(insert(XComModel.__table__).values(**place, **left, timestamp=at))
        yield opened


def test_the_newest_runs_of_each_dag_are_read_at_once(session: Session):
    """With their notes, which Airflow's own model would read one by one."""
    asked: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *given: asked.append(given[2]))
    with contract("DagRun and DagRunNote", LIST):
        runs = many_runs.newest_runs(session, ["a", "b"], each=2)
    assert [(run.dag_id, run.run_id, run.note) for run in runs] == [
        ("a", "6", "note 6"),
        ("b", "5", "note 5"),
        ("a", "4", "note 4"),
        ("b", "3", "note 3"),
    ]
    assert len(asked) == 1


def test_runs_are_found_by_dag_and_name(session: Session):
    """Two DAGs can have runs of the same name."""
    found = many_runs.read_runs(session, {("a", "2"), ("b", "2"), ("b", "3")})
    assert set(found) == {("a", "2"), ("b", "3")}


def test_what_tasks_of_many_runs_left_and_how_they_are(session: Session):
    """By run."""
    with contract("XComModel and TaskInstance", LIST):
        runs = many_runs.newest_runs(session, ["a", "b"], each=1)
        xcoms = many_runs.read_xcoms_of(session, runs, ["k"], ["t"])
        states = many_runs.task_states_of(session, runs)
        of_others = many_runs.task_states_of(session, runs, ["other"])
    assert xcoms == {6: {"k": {"t": "6"}}, 5: {"k": {"t": "5"}}}
    assert states == {("a", "6"): {"queued"}, ("b", "5"): {"queued"}}
    assert of_others == {}


def test_dags_say_whether_they_are_paused(session: Session):
    """One that Airflow has never read is missing."""
    with contract("DagModel.is_paused, is_stale and has_import_errors", LIST):
        [dag] = many_runs.read_dags(session, ["a", "c"]).values()
    assert (dag.dag_id, dag.paused, dag.stale, dag.broken) == ("a", True, False, False)
