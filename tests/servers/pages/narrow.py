"""An auth manager with users who may not see everything; Airflow's own simple one has none."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

SECRET = "group__secret"
"""The DAG that `stranger` may not see."""

CLOSED = "group__docs"
"""The DAG that `guest` may see, but nothing of its runs."""


class NarrowAuthManager(SimpleAuthManager):
    """Airflow's simple auth manager, but less is for two users."""

    def is_authorized_dag(self, *, user: Any, details: Any = None, **given: Any) -> bool:
        """Refuse the stranger, and the guest."""
        who, dag = user.get_name(), details.id if details is not None else None
        if (who, dag) == ("stranger", SECRET):
            return False
        if (who, dag) == ("guest", CLOSED) and given.get("access_entity") is not None:
            return False
        return super().is_authorized_dag(user=user, details=details, **given)
