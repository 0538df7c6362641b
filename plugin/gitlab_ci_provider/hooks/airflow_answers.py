"""What Airflow's answers to a running task or trigger mean."""

from __future__ import annotations

from typing import Any


def word_of(state: Any) -> str:
    """Turn a state into its word: Airflow's enumerations are texts that hash differently."""
    return str(getattr(state, "value", state))


def is_missing(problem: Any) -> bool:
    """Tell whether an `AirflowRuntimeError` says that there is no such thing."""
    detail = problem.error.detail or {}
    return bool(detail.get("status_code") == 404)
