"""Airflow's watch over the process of a task, which notices at once that the process has ended.

Airflow's own looks when one of the task's streams ends, which can be an instant before the process
ends, and then not until the next heartbeat is due. So heartbeats had to be frequent, and they were
half of all requests while jobs ran.
"""

from __future__ import annotations

import os
import selectors
import time
from typing import Any

from gitlab_ci_provider.airflow_internals.components import ActivitySubprocess


class NoticingSubprocess(ActivitySubprocess):
    """Watches the process itself, next to its streams."""

    def _on_child_started(
        self, *, ti: Any, dag_rel_path: Any, bundle_info: Any, sentry_integration: str
    ) -> None:
        """Tell the API server and the process that the task begins; that is the first heartbeat."""
        super()._on_child_started(
            ti=ti,
            dag_rel_path=dag_rel_path,
            bundle_info=bundle_info,
            sentry_integration=sentry_integration,
        )
        self._last_heartbeat_attempt = time.monotonic()
        # Airflow calls the first function when there is news, and the second because it is false.
        news = (lambda _process: False, self.selector.unregister)
        process = os.fdopen(os.pidfd_open(self.pid), "rb", buffering=0)
        self.selector.register(process, selectors.EVENT_READ, news)
