"""Has Airflow's own `LocalExecutor` start our tasks as soon as those that need no imports.

Its workers are forked from the scheduler, and each task from a worker. So what the scheduler has
imported, no task imports again. Airflow tells listeners of each of its components that it starts;
the scheduler's tells it before the executor starts.
"""

from __future__ import annotations

import sys
from typing import Any

from airflow.configuration import conf
from airflow.listeners import hookimpl
from airflow.sdk.plugins_manager import AirflowPlugin


@hookimpl
def on_starting(component: Any) -> None:
    """Import what our tasks need, if this process will fork those that run them.

    Args:
        component: Airflow's record of the process that starts; of a task, it is another one.
    """
    is_scheduler = type(component).__name__ == "Job" and sys.argv[1:2] == ["scheduler"]
    if is_scheduler and "LocalExecutor" in conf.get("core", "executor"):
        from gitlab_ci_provider.executors.preload import preload

        preload()


class WarmSchedulerPlugin(AirflowPlugin):
    """Registers the listener in every process of Airflow."""

    name = "gitlab_ci_warm_scheduler"
    listeners = [sys.modules[__name__]]  # noqa: RUF012 - Airflow declares it so
