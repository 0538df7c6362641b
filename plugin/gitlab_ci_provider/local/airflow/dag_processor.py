"""Airflow's DAG processor, which checks DAG files when they change instead of every second."""

from __future__ import annotations

from typing import Any

from gitlab_ci_provider.airflow_internals.components import DagFileProcessorManager
from gitlab_ci_provider.local.airflow.changes import Changes

_IDLE_SECONDS = 10


class WakefulManager(DagFileProcessorManager):
    """Parses a file as soon as it is written, and sleeps while there is nothing to do."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._changes: Changes | None = None

    def load_dag_bundles(self) -> None:
        """Load the bundles, and watch their folders."""
        super().load_dag_bundles()
        folders = tuple(bundle.path for bundle in self._dag_bundles)
        self._changes = Changes(folders, _IDLE_SECONDS)

    def _service_processor_sockets(self, timeout: float | None = 1.0) -> None:
        """Listen to the processes that parse; without any, wait for something to parse."""
        if self._processors or self._file_queue or self._changes is None:
            super()._service_processor_sockets(timeout)
        elif self._changes.wait():
            self.request_bundle_refresh(bundle.name for bundle in self._dag_bundles)
