"""What the API server does for tasks, from its start.

It counts clears of running jobs, so that a job tells a clear from a lost worker, and writes notes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from airflow.sdk.plugins_manager import AirflowPlugin

from gitlab_ci_provider.plugins.when_asked import WhenAsked

_OPERATORS = frozenset({"GitlabJobOperator", "GitlabJobPodOperator"})
"""Of tasks that look for the pod of an earlier try."""


@cache
def _begin() -> list[Any]:
    """Have no applications: only the API server, which people and tasks ask, asks for them."""
    from gitlab_ci_provider.airflow_internals.clears import count_clears
    from gitlab_ci_provider.plugins.task_notes import begin_to_hear

    count_clears(_OPERATORS)
    begin_to_hear()
    return []


class ClearsPlugin(AirflowPlugin):
    """Begins with the API server."""

    name = "gitlab_ci_clears"
    fastapi_apps = WhenAsked(_begin)
