"""Has the API server count clears of running jobs: so a job tells a clear from a lost worker."""

from __future__ import annotations

from functools import cache
from typing import Any

from airflow.sdk.plugins_manager import AirflowPlugin

from gitlab_ci_provider.plugins.when_asked import WhenAsked

_OPERATORS = frozenset({"GitlabJobOperator", "GitlabJobPodOperator"})
"""Of tasks that look for the pod of an earlier try."""


@cache
def _begin() -> list[Any]:
    """Have no applications: only the API server, in which people clear tasks, asks for them."""
    from gitlab_ci_provider.airflow_internals.clears import count_clears

    count_clears(_OPERATORS)
    return []


class ClearsPlugin(AirflowPlugin):
    """Counts them from the start of the API server."""

    name = "gitlab_ci_clears"
    fastapi_apps = WhenAsked(_begin)
