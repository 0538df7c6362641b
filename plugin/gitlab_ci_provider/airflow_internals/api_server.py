"""What the API server reads and writes of DAGs and runs for a webhook, in Airflow's database.

A webhook has no user of Airflow's, so it cannot go through the REST API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitlab_ci_provider.airflow_internals.run_rows import read_run


@dataclass(frozen=True, slots=True)
class FoundDag:
    """A DAG that Airflow has read."""

    paused: bool
    tags: frozenset[str]


def find_dag(dag: str) -> FoundDag | None:
    """Find a DAG; None when Airflow has not read it, or its file is gone.

    Its tags are those of the version that a new run gets. What the UI shows may be newer: Airflow
    stores a version every half a minute at most (`[core] min_serialized_dag_update_interval`).
    """
    from airflow.models.dag import DagModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.get(DagModel, dag)
        serialized = SerializedDagModel.get(dag, session=session)
        if found is None or found.is_stale or serialized is None:
            return None
        tags = (serialized.data or {}).get("dag", {}).get("tags") or ()
        return FoundDag(bool(found.is_paused), frozenset(tags))


def ask_for_look(dag: str) -> None:
    """Have the DAG processor refresh the bundle of a DAG, and read its file, as soon as it can."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbag import DagPriorityParsingRequest
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.exc import IntegrityError

    with create_session() as session:
        found = session.get(DagModel, dag)
        if found is None or not found.bundle_name or not found.relative_fileloc:
            return
        place = {"bundle_name": found.bundle_name, "relative_fileloc": found.relative_fileloc}
        asked = select(DagPriorityParsingRequest.id).filter_by(**place)
        if session.scalar(asked):
            return
        try:
            with session.begin_nested():
                session.add(DagPriorityParsingRequest(**place))
        except IntegrityError:
            return  # another process has just asked


def has_run(dag: str, run: str) -> bool:
    """Return whether a DAG has a run of this ID."""
    from airflow.utils.session import create_session

    with create_session() as session:
        return read_run(session, dag, run) is not None


def start_run(dag: str, run: str, conf: Mapping[str, Any], user: str, note: str) -> None:
    """Start a run of a DAG, unless it was started before."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.exceptions import DagRunAlreadyExists
    from airflow.utils.types import DagRunTriggeredByType

    try:
        trigger_dag(
            dag_id=dag,
            run_id=run,
            conf=dict(conf),
            triggered_by=DagRunTriggeredByType.REST_API,
            triggering_user_name=user or None,
            note=note,
        )
    except DagRunAlreadyExists:
        return
