"""Which XComs of those that a process stores and deletes are heard of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.xcom import XComModel
from sqlalchemy import create_engine, delete, text
from sqlalchemy.orm import Session

from gitlab_ci_provider.airflow_internals.written_xcoms import Written, hear_xcoms
from unit.airflow_internals.contracts import contract

KEY = "of_this_test"
HEARD: list[Written] = []
PLACE: dict[str, Any] = {"dag_id": "d", "run_id": "r", "task_id": "t", "key": KEY, "map_index": -1}
OWN = tuple(getattr(XComModel, name) == value for name, value in PLACE.items())


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """Airflow's tables, and somebody who hears."""
    import_all_models()
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    hear_xcoms({KEY}, lambda _, xcom: HEARD.append(xcom))
    with Session(engine) as made:
        yield made


def test_an_xcom_that_is_deleted_by_its_place_is_heard_of(session: Session):
    """A task that begins anew has its XComs deleted so."""
    HEARD.clear()
    with contract("delete(XComModel) by five columns", "notes go when a task begins anew"):
        session.execute(delete(XComModel).where(*OWN))
        session.execute(delete(XComModel).where(*OWN[:3], XComModel.key == "k", *OWN[4:]))

    assert [Written(**PLACE, value=None)] == HEARD


def test_deletions_of_many_are_left_alone(session: Session):
    """Of a run, a DAG or a table; nothing of them may fail by us."""
    HEARD.clear()
    session.execute(delete(XComModel))
    session.execute(delete(XComModel).where(OWN[0]))
    session.execute(delete(XComModel).where(*OWN[:2], XComModel.task_id.in_(["t"]), *OWN[3:]))
    session.execute(XComModel.__table__.delete())
    session.execute(text("delete from xcom"))

    assert HEARD == []
