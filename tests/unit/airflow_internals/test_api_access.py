"""Airflow still answers who may see what, for applications that it mounts and does not protect."""

from __future__ import annotations

import inspect

from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
from airflow.api_fastapi.core_api import security
from airflow.models.dag import DagModel

from gitlab_ci_provider.airflow_internals import api_access
from unit.airflow_internals.contracts import contract


def test_routes_can_require_access_to_a_dag():
    """Each entity that a route of ours names is one of Airflow's."""
    with contract("requires_access_dag, DagAccessEntity", "every route of the pipeline page"):
        entities = ("RUN", "TASK_INSTANCE", "XCOM", "TASK_LOGS", "HITL_DETAIL")
        assert len(api_access.requires(*entities)) == len(entities)
        assert list(inspect.signature(security.requires_access_dag).parameters)[:2] == [
            "method",
            "access_entity",
        ]


def test_the_auth_manager_tells_what_a_user_may_do():
    """Buttons that would be refused are not offered."""
    with contract("BaseAuthManager.is_authorized_dag", "the buttons of the pipeline page"):
        given = inspect.signature(BaseAuthManager.is_authorized_dag).parameters
        assert {"method", "user", "access_entity", "details"} <= set(given)


def test_the_auth_manager_chooses_the_dags_that_a_user_may_read():
    """The list of projects asks for all of them at once."""
    with contract("BaseAuthManager.filter_authorized_dag_ids", "the list of projects"):
        assert "user" in inspect.signature(BaseAuthManager.get_authorized_dag_ids).parameters
        chosen = inspect.signature(BaseAuthManager.filter_authorized_dag_ids).parameters
        assert {"dag_ids", "user"} <= set(chosen)
        assert callable(DagModel.get_dag_id_to_team_name_mapping)
        assert callable(DagModel.get_team_name)


def test_a_route_can_be_in_the_audit_log():
    """A sync that somebody has asked for."""
    with contract("action_logging", "Sync now"):
        assert len(api_access.changes_dag("gitlab_ci_sync")) == 2
