"""What a running stack publishes about itself, in a file next to its data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitlab_ci_cluster.daemon.directories import RUNTIME_FILE
from gitlab_ci_cluster.files import write_private
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.locks import is_held
from gitlab_ci_provider.model.serialization import decode, encode

if TYPE_CHECKING:
    from gitlab_ci_provider.airflow_api.client import AirflowApi
    from gitlab_ci_provider.airflow_api.session import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """Where a running stack can be reached.

    Attributes:
        pid: of the supervisor.
        url: of the Airflow UI; the login is `admin` and `password`.
        object_store: URL of the S3 server.
    """

    pid: int
    url: str
    password: str
    object_store: str
    user: str = "admin"

    @property
    def greeting(self) -> str:
        """Say where the UI is, and how to log in."""
        return f"Airflow: {self.url}  login: {self.user} / {self.password}"

    @property
    def access(self) -> Access:
        """How to reach the API."""
        from gitlab_ci_provider.airflow_api.session import Access

        return Access(url=self.url, user=self.user, password=self.password)


def write_state(home: Home, state: StackState) -> None:
    """Publish that the stack is ready."""
    write_private(home.state, encode(state))


def clear_state(home: Home) -> None:
    """Publish that the stack is not ready."""
    home.state.unlink(missing_ok=True)


def read_state(home: Home) -> StackState | None:
    """Read the state of the running stack; None when none runs or it is not ready yet."""
    if not is_running(home):
        return None
    try:
        return decode(home.state.read_bytes(), StackState)
    except FileNotFoundError:
        return None


def supervisor_pid(home: Home) -> int:
    """Read which process runs the stack, or ran the last one; 0 when there was none."""
    try:
        return int(home.lock.read_text() or 0)
    except (OSError, ValueError):
        return 0


def is_running(home: Home) -> bool:
    """Return whether a supervisor is running: it holds the lock from start to end."""
    return is_held(home.lock)


def connect(home: Home, state: StackState, tell: Callable[[str], None]) -> AirflowApi:
    """Log in; `tell` is called when something takes long.

    Raises:
        AirflowApiError: the stack has ended.
    """
    from gitlab_ci_provider.airflow_api.client import AirflowApi
    from gitlab_ci_provider.airflow_api.session import RetryPolicy

    return AirflowApi(state.access, RetryPolicy(alive=lambda: is_running(home), tell=tell))


def read_runtime(home: Home) -> str:
    """Return which runtime the stack's cluster has chosen; empty when no cluster runs."""
    try:
        return (home.cluster / RUNTIME_FILE).read_text()
    except FileNotFoundError:
        return ""
