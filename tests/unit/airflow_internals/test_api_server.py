"""What webhooks read and write in Airflow's database is still there."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from airflow.api.common import trigger_dag
from airflow.dag_processing.manager import DagFileProcessorManager
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dag import DagModel, DagTag
from airflow.models.dag_version import DagVersion
from airflow.models.dagbag import DagPriorityParsingRequest
from airflow.models.dagbundle import DagBundleModel
from airflow.models.serialized_dag import SerializedDagModel
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils import session as sessions
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from gitlab_ci_provider.airflow_internals import api_server
from unit.airflow_internals.contracts import contract

NEEDED_BY = "webhooks"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A database with one DAG that Airflow has read, and one whose file is gone."""
    import_all_models()
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as opened:

        @contextmanager
        def create_session() -> Iterator[Session]:
            yield opened

        monkeypatch.setattr(sessions, "create_session", create_session)
        opened.add(DagBundleModel(name="gitlab"))
        opened.flush()
        for name, stale in (("there", False), ("gone", True)):
            place = {"bundle_name": "gitlab", "relative_fileloc": f"{name}.py"}
            made = DagModel(dag_id=name, is_paused=name == "there", is_stale=stale, **place)
            made.tags = [DagTag(name="topology-2", dag_id=name)]
            opened.add(made)
            opened.flush()
            _serialize(opened, name)
        opened.flush()
        yield opened


def _serialize(session: Session, name: str) -> None:
    """Store the version that runs get, which may be older than what the UI shows."""
    with DAG(name, tags=["topology-1"], schedule=None) as dag:
        pass
    version = DagVersion(dag_id=name, version_number=1, bundle_name="gitlab")
    session.add(version)
    session.flush()
    stored = SerializedDagModel(LazyDeserializedDAG(data=DagSerialization.to_dict(dag)))
    stored.dag_version_id = version.id
    session.add(stored)


def test_a_dag_is_found(session: Session):
    """Its tags are those of what a new run gets; one whose file is gone is not there."""
    with contract("DagModel.is_paused, is_stale; SerializedDagModel.get, data", NEEDED_BY):
        found = api_server.find_dag("there")
        assert found == api_server.FoundDag(paused=True, tags=frozenset({"topology-1"}))
        assert api_server.find_dag("gone") is None
        assert api_server.find_dag("never") is None


def test_the_dag_processor_is_asked_to_look(session: Session):
    """Once, however many events there are; a DAG that is not known has no bundle."""
    with contract("DagPriorityParsingRequest", NEEDED_BY):
        for name in ("there", "there", "never"):
            api_server.ask_for_look(name)
        asked = session.scalars(select(DagPriorityParsingRequest)).all()
        assert [(one.bundle_name, one.relative_fileloc) for one in asked] == [
            ("gitlab", "there.py")
        ]


def test_a_request_to_parse_a_file_refreshes_its_bundle():
    """The new version of a DAG is not in the bundle before that."""
    with contract("DagFileProcessorManager._queue_requested_files_for_parsing", NEEDED_BY):
        source = inspect.getsource(DagFileProcessorManager._queue_requested_files_for_parsing)
        assert "request_bundle_refresh" in source


def test_a_run_is_started_with_an_id_and_a_user():
    """The ID makes sure that it is started once; a run that exists is an exception of its own."""
    with contract("trigger_dag", NEEDED_BY):
        names = inspect.signature(trigger_dag.trigger_dag).parameters
        given = {"dag_id", "run_id", "conf", "triggered_by", "triggering_user_name", "note"}
        assert given <= {*names}
        assert "DagRunAlreadyExists" in inspect.getsource(trigger_dag)
