"""Who may see what through Airflow's API server, for an application that a plugin mounts there.

Airflow asks nobody who calls such an application: each of its routes must name what it needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep as DatabaseSession
from airflow.api_fastapi.core_api.security import GetUserDep as CurrentUser
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from airflow.api_fastapi.logging.decorators import action_logging
from airflow.models.dag import DagModel
from fastapi import Depends

__all__ = [
    "LOGGED_IN",
    "Actions",
    "CurrentUser",
    "DatabaseSession",
    "Method",
    "changes_dag",
    "may",
    "may_each",
    "may_see_runs",
    "readable_dags",
    "requires",
]

Method = Literal["GET", "POST", "PUT", "DELETE"]
Actions = Mapping[str, tuple[Method, str]]

LOGGED_IN = Depends(get_user)
"""A dependency of routes that anyone who is logged in may call."""

_ENTITIES: Any = DagAccessEntity

_RUNS: Actions = {name: ("GET", name) for name in ("RUN", "TASK_INSTANCE", "XCOM")}
"""What a pipeline in a list is made of."""


def requires(*entities: str, method: Method = "GET") -> list[Any]:
    """Make the dependencies of a route: 401 or 403 without access.

    With `{dag_id}` in the route's path it is access to that DAG, otherwise to DAGs at all: then the
    route has to choose those that its user may read.

    Args:
        entities: what of the DAG the route shows: `RUN`, `TASK_INSTANCE`, `XCOM` ...
        method: what it does with them.
    """
    return [Depends(requires_access_dag(method, _ENTITIES[name])) for name in entities]


def changes_dag(event: str) -> list[Any]:
    """Make the dependencies of a route that changes the DAG in its path, and is in the audit log.

    Args:
        event: what the log calls it.
    """
    return [Depends(requires_access_dag("PUT")), Depends(action_logging(event))]


def may(user: Any, dag_id: str, actions: Actions) -> dict[str, bool]:
    """Tell which actions a user may take on a DAG; the API decides again when one is taken.

    Args:
        user: who asks.
        dag_id: of the DAG.
        actions: by name, the method and what of the DAG it is for; empty for the DAG itself.
    """
    return _may(user, dag_id, DagModel.get_team_name(dag_id), actions)


def may_each(user: Any, dags: Collection[str], actions: Actions) -> dict[str, dict[str, bool]]:
    """Tell the same for several DAGs, by DAG, with one query for all."""
    teams = DagModel.get_dag_id_to_team_name_mapping(list(dags))
    return {dag: _may(user, dag, teams.get(dag), actions) for dag in dags}


def may_see_runs(user: Any, dags: Collection[str]) -> set[str]:
    """Choose the DAGs, of those that a user may read, whose runs are for them as well."""
    return {dag for dag, seen in may_each(user, dags, _RUNS).items() if all(seen.values())}


def _may(user: Any, dag: str, team: str | None, actions: Actions) -> dict[str, bool]:
    manager, details = get_auth_manager(), DagDetails(id=dag, team_name=team)
    return {
        name: manager.is_authorized_dag(
            method=method,
            access_entity=_ENTITIES[entity] if entity else None,
            details=details,
            user=user,
        )
        for name, (method, entity) in actions.items()
    }


def readable_dags(user: Any, wanted: Collection[str], known: Collection[str]) -> set[str]:
    """Choose the DAGs that a user may read.

    Args:
        user: who asks.
        wanted: names of DAGs.
        known: those of them that Airflow has; of others, the auth manager sees only the name.
    """
    manager = get_auth_manager()
    unknown = manager.filter_authorized_dag_ids(dag_ids=set(wanted).difference(known), user=user)
    return unknown | manager.get_authorized_dag_ids(user=user).intersection(wanted)
