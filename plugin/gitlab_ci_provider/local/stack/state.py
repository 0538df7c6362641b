"""What a running stack tells of itself, in a file beside its data."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass

from gitlab_ci_provider.airflow_api.session import Access
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.model.serialization import decode, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """Where a running stack can be reached.

    Attributes:
        pid: of its supervisor.
        url: of the Airflow UI; the login is `admin` and `password`.
        object_store: URL of the S3 server.
    """

    pid: int
    url: str
    password: str
    object_store: str
    user: str = "admin"

    @property
    def access(self) -> Access:
        """How to reach the API."""
        return Access(url=self.url, user=self.user, password=self.password)


def write_state(home: Home, state: StackState) -> None:
    """Say that the stack is ready."""
    new = home.state.with_suffix(".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(encode(state))
    new.replace(home.state)


def clear_state(home: Home) -> None:
    """Say that the stack is not ready."""
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
    """Tell whether a supervisor holds the lock: it does so from its first to its last moment."""
    if not home.lock.exists():
        return False
    with home.lock.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
