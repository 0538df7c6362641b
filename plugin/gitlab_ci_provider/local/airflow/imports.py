"""What Airflow's components need, imported once, in the order in which it is needed."""

from __future__ import annotations

import importlib

_OPERATORS = (
    "gitlab_ci_provider.local.airflow.executor",
    "gitlab_ci_provider.local.airflow.dag_processor",
    "gitlab_ci_provider.local.airflow.triggerer",
    "gitlab_ci_provider.operators.create_pipeline",
    "gitlab_ci_provider.operators.finish_pipeline",
    "gitlab_ci_provider.operators.job",
    "gitlab_ci_provider.renderer.load",
    "gitlab_ci_provider.compiler.compile",
    "gitlab_ci_provider.rules.evaluate",
    "boto3",
)


def import_operators() -> None:
    """Import what all but the API server need: what tasks and DAG files would import."""
    for name in _OPERATORS:
        importlib.import_module(name)
