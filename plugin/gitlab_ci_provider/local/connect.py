"""A session with the Airflow of the running stack: it is asked again while the stack lives."""

from __future__ import annotations

from collections.abc import Callable

from gitlab_ci_provider.airflow_api.calls import Patience
from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.state import StackState, is_running


def connect(home: Home, state: StackState, tell: Callable[[str], None]) -> AirflowApi:
    """Log in; `tell` is told of what takes long.

    Raises:
        StackError: the stack has ended.
    """
    return AirflowApi(state.access, Patience(alive=lambda: is_running(home), tell=tell))
