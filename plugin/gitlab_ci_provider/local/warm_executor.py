"""Airflow's LocalExecutor, with the job operator imported before its workers are forked.

Importing KubernetesPodOperator takes seconds of processor time; here it is paid once, when the
scheduler starts, instead of in every task.
"""

from __future__ import annotations

import importlib

from airflow.executors.local_executor import LocalExecutor

_WARM = (
    "airflow.sdk.execution_time.task_runner",
    "gitlab_ci_provider.compiler.compile",
    "gitlab_ci_provider.rules.evaluate",
    "gitlab_ci_provider.operators.create_pipeline",
    "gitlab_ci_provider.operators.finish_pipeline",
    "gitlab_ci_provider.operators.job",
    "gitlab_ci_provider.renderer.load",
)


class WarmLocalExecutor(LocalExecutor):
    """Runs tasks in processes forked from one that has everything imported."""

    def start(self) -> None:
        """Import, then fork the workers."""
        for module in _WARM:
            importlib.import_module(module)
        super().start()
