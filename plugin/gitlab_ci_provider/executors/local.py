"""The executor for Airflow on one machine."""

from __future__ import annotations

from gitlab_ci_provider.airflow_internals.components import LocalExecutor
from gitlab_ci_provider.executors.preload import preload


class WarmLocalExecutor(LocalExecutor):
    """Airflow's `LocalExecutor`, whose workers have already imported what our tasks need.

    In airflow.cfg: `[core] executor = gitlab_ci_provider.executors.local.WarmLocalExecutor`. It
    runs every other task as well. Where Airflow starts processes by `spawn` instead of `fork`, it
    is no faster than the `LocalExecutor`.
    """

    def start(self) -> None:
        """Import, then start the workers, which are forked from this process."""
        preload()
        super().start()
