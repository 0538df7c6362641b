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
from airflow.models.dag import DagModel
from fastapi import Depends

__all__ = [
    "LOGGED_IN",
    "CurrentUser",
    "DatabaseSession",
    "Method",
    "may",
    "readable_dags",
    "requires",
]

Method = Literal["GET", "POST", "PUT", "DELETE"]

LOGGED_IN = Depends(get_user)
"""A dependency of routes that anyone who is logged in may call."""

_ENTITIES: Any = DagAccessEntity


def requires(*entities: str, method: Method = "GET") -> list[Any]:
    """Make the dependencies of a route with `{dag_id}` in its path: 401 or 403 without access.

    Args:
        entities: what of the DAG the route shows: `RUN`, `TASK_INSTANCE`, `XCOM` ...
        method: what it does with them.
    """
    return [Depends(requires_access_dag(method, _ENTITIES[name])) for name in entities]


def may(user: Any, dag_id: str, actions: Mapping[str, tuple[Method, str]]) -> dict[str, bool]:
    """Tell which actions a user may take on a DAG; the API decides again when one is taken.

    Args:
        user: who asks.
        dag_id: of the DAG.
        actions: by name, the method and what of the DAG it is for.
    """
    manager = get_auth_manager()
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    return {
        name: manager.is_authorized_dag(
            method=method, access_entity=_ENTITIES[entity], details=details, user=user
        )
        for name, (method, entity) in actions.items()
    }


def readable_dags(user: Any) -> Collection[str]:
    """List the DAGs that a user may read."""
    return get_auth_manager().get_authorized_dag_ids(user=user)
