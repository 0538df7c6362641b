"""Rows of Airflow's database about many DAGs and runs: as many queries for all as for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gitlab_ci_provider.airflow_internals.run_rows import (
    RunRow,
    XComs,
    decoded,
    run_columns,
    run_row,
)

_MOST_RUNS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRow:
    """A DAG that Airflow has read; `broken` when its newest file cannot be."""

    dag_id: str
    paused: bool
    stale: bool
    broken: bool


def read_dags(session: Any, dags: Collection[str]) -> dict[str, DagRow]:
    """Read DAGs by name; those that Airflow has never read are missing."""
    from airflow.models.dag import DagModel as Row
    from sqlalchemy import select

    columns = (Row.dag_id, Row.is_paused, Row.is_stale, Row.has_import_errors)
    found = session.execute(select(*columns).where(Row.dag_id.in_(dags)))
    return {
        name: DagRow(dag_id=name, paused=bool(paused), stale=bool(stale), broken=bool(broken))
        for name, paused, stale, broken in found
    }


def newest_runs(session: Any, dags: Collection[str], each: int) -> list[RunRow]:
    """Read the newest runs of some DAGs, the newest first.

    Args:
        session: of the database.
        dags: names of the DAGs.
        each: how many runs of each DAG at most.
    """
    from airflow.models.dagrun import DagRun
    from sqlalchemy import func, select

    place = func.row_number().over(partition_by=DagRun.dag_id, order_by=DagRun.id.desc())
    numbered = select(DagRun.id, place.label("place")).where(DagRun.dag_id.in_(dags)).subquery()
    chosen = select(numbered.c.id).where(numbered.c.place <= each)
    query = run_columns().where(DagRun.id.in_(chosen)).order_by(DagRun.id.desc())
    return [run_row(found) for found in session.execute(query.limit(_MOST_RUNS))]


def read_runs(session: Any, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], RunRow]:
    """Read runs by the names of their DAGs and their own; runs that are gone are missing."""
    from airflow.models.dagrun import DagRun

    dags, runs = {dag for dag, _ in keys}, {run for _, run in keys}
    query = run_columns().where(DagRun.dag_id.in_(dags), DagRun.run_id.in_(runs))
    rows = map(run_row, session.execute(query))
    return {(row.dag_id, row.run_id): row for row in rows if (row.dag_id, row.run_id) in keys}


def read_xcoms_of(
    session: Any, runs: Collection[RunRow], keys: Collection[str], tasks: Collection[str]
) -> Mapping[int, XComs]:
    """Read the XComs with some keys of some tasks, by the number of the run."""
    from airflow.models.xcom import XComModel as Row
    from sqlalchemy import select

    columns = (Row.dag_run_id, Row.key, Row.task_id, Row.value)
    of_runs = Row.dag_run_id.in_([run.number for run in runs])
    query = select(*columns).where(of_runs, Row.key.in_(keys), Row.task_id.in_(tasks))
    found: dict[int, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for number, key, task, value in session.execute(query):
        found[number][key][task] = decoded(value)
    return found


def task_states_of(
    session: Any, runs: Collection[RunRow], tasks: Collection[str] | None = None
) -> Mapping[tuple[str, str], frozenset[str]]:
    """Read which states the tasks of some runs have, or some of these tasks, by DAG and run."""
    from airflow.models.taskinstance import TaskInstance as Row
    from sqlalchemy import select

    keys = {(run.dag_id, run.run_id) for run in runs}
    dags, names = {dag for dag, _ in keys}, {run for _, run in keys}
    query = select(Row.dag_id, Row.run_id, Row.state).distinct()
    query = query.where(Row.dag_id.in_(dags), Row.run_id.in_(names), Row.state.is_not(None))
    if tasks is not None:
        query = query.where(Row.task_id.in_(tasks))
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for dag, run, state in session.execute(query):
        found[dag, run].add(str(state))
    return {key: frozenset(states) for key, states in found.items() if key in keys}
