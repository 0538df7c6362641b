"""The log of a task with everything that Airflow adds."""

from __future__ import annotations

from typing import Any

from gitlab_ci_provider.airflow_api.client import AirflowApi, TaskState


def log_lines(api: AirflowApi, dag: str, run: str, task: TaskState) -> list[str]:
    """Read the lines of a task's newest try, without Airflow's own fields."""
    path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task.task_id}/logs/{task.try_number}"
    content = api.request("GET", path).get("content") or []
    return [line for entry in content for line in _lines(entry)]


def _lines(entry: Any) -> list[str]:
    """Read one entry: its text, and the messages of its exceptions."""
    if not isinstance(entry, dict):
        return [str(entry)]
    failures = entry.get("error_detail") or []
    return [
        str(entry.get("event", "")),
        *(str(failure.get("exc_value", "")) for failure in failures),
    ]
