"""An auth manager with a user who may not see every DAG; Airflow's own simple one has none."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

SECRET = "group__secret"
"""The DAG that `stranger` may not see."""


class NarrowAuthManager(SimpleAuthManager):
    """Airflow's simple auth manager, but nothing of one DAG is for one user."""

    def is_authorized_dag(self, *, user: Any, details: Any = None, **given: Any) -> bool:
        """Refuse the stranger."""
        if user.get_name() == "stranger" and details is not None and details.id == SECRET:
            return False
        return super().is_authorized_dag(user=user, details=details, **given)
