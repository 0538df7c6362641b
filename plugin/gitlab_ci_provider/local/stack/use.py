"""Who uses the stack: commands attach to it, and an unused stack stops by itself.

A command shares a lock while it runs; the kernel frees the lock, however the command ends.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.locks import hold, is_held

_BUSY_RUNS = """
SELECT 1 FROM dag_run WHERE state IN ('queued', 'running') AND (
  NOT EXISTS (
    SELECT 1 FROM task_instance AS task
    WHERE task.dag_id = dag_run.dag_id AND task.run_id = dag_run.run_id
    AND task.state = 'awaiting_input'
  ) OR EXISTS (
    SELECT 1 FROM task_instance AS task
    WHERE task.dag_id = dag_run.dag_id AND task.run_id = dag_run.run_id AND task.state IN
      ('scheduled', 'queued', 'running', 'restarting', 'deferred', 'up_for_retry')
  )
) LIMIT 1
"""
"""A run that only waits for a person is not busy: it continues when the stack starts again."""


@contextmanager
def attached(home: Home) -> Iterator[None]:
    """Keep the stack from ending as idle for as long as the block lasts."""
    with hold(home.attached, shared=True):
        yield


def is_attached_to(home: Home) -> bool:
    """Return whether a command uses the stack."""
    return is_held(home.attached)


@dataclass(slots=True)
class Idleness:
    """Remembers when the stack was last used.

    The limit is in a file, so that a later command can change it.
    """

    home: Home
    clock: Callable[[], float] = time.monotonic
    _since: float = field(init=False)
    _requests: int = field(init=False)

    def __post_init__(self) -> None:
        """Count from now."""
        self._since, self._requests = self.clock(), _requests(self.home)

    def is_over(self) -> bool:
        """Check again; True when nobody has used the stack for too long."""
        seconds = read_idle_minutes(self.home) * 60
        if seconds <= 0:
            return False
        requests = _requests(self.home)
        used = requests != self._requests or is_attached_to(self.home)
        if used or _has_busy_runs(self.home):
            self._since, self._requests = self.clock(), requests
        return self.clock() - self._since >= seconds


def write_idle_minutes(home: Home, minutes: float) -> None:
    """Set how many minutes an unused stack keeps running; 0 means forever."""
    new = home.idle.with_suffix(".new")
    new.write_text(str(minutes))
    new.replace(home.idle)


def read_idle_minutes(home: Home) -> float:
    """Read how many minutes an unused stack keeps running; 0 means forever."""
    try:
        return float(home.idle.read_text())
    except (OSError, ValueError):
        return 0


def _requests(home: Home) -> int:
    """Measure how much the API server has been used: it logs a line for each request."""
    log = home.logs / "api-server.log"
    return log.stat().st_size if log.exists() else 0


def _has_busy_runs(home: Home) -> bool:
    """Return whether a pipeline runs."""
    address = f"{(home.airflow / 'airflow.db').as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=60)) as database:
            return database.execute(_BUSY_RUNS).fetchone() is not None
    except sqlite3.Error:
        return True  # if in doubt, keep the stack
