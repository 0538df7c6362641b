"""Airflow's triggerer, which reads the database when it has changed instead of every second."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from gitlab_ci_provider.airflow_internals.components import TriggerRunnerSupervisor
from gitlab_ci_provider.local.airflow.changes import Changes, announce, database_changes

_IDLE_SECONDS = 10


class WakefulSupervisor(TriggerRunnerSupervisor):
    """Starts a trigger as soon as a task waits for it, and sleeps while there is none."""

    @property
    def _database(self) -> Path:
        return Path(os.environ["AIRFLOW_HOME"]) / "airflow.db"

    @cached_property
    def _changes(self) -> Changes:
        return database_changes(self._database, _IDLE_SECONDS)

    def run_once(self) -> None:
        """Run one round of the loop, when there is something to do or after a while."""
        self.load_triggers()
        self._changes.wait(self._service_subprocess, until=self._has_news)
        news = bool(self.events or self.failed_triggers)
        self.handle_events()
        self.handle_failed_triggers()
        if news:
            announce(self._database)
        self.clean_unused()
        self.heartbeat()
        self.emit_metrics()

    def _has_news(self) -> bool:
        return bool(self.events or self.failed_triggers or self.stop or not self.is_alive())
