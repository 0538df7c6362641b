"""A session with the Airflow of the running stack: requests are retried while the stack runs."""

from __future__ import annotations

from collections.abc import Callable

from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.airflow_api.session import RetryPolicy
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.state import StackState, is_running


def connect(home: Home, state: StackState, tell: Callable[[str], None]) -> AirflowApi:
    """Log in; `tell` is told of what takes long.

    Raises:
        AirflowApiError: the stack has ended.
    """
    return AirflowApi(state.access, RetryPolicy(alive=lambda: is_running(home), tell=tell))
