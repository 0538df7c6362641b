"""What Airflow's components need, imported once, in the order in which it is needed."""

from __future__ import annotations

import importlib
import os

_AIRFLOW = (
    "airflow",
    "airflow.__main__",
    "airflow.cli.cli_parser",
    "airflow.cli.commands.api_server_command",
    "airflow.cli.commands.dag_processor_command",
    "airflow.cli.commands.scheduler_command",
    "airflow.cli.commands.triggerer_command",
    "airflow.sdk.execution_time.task_runner",
    "airflow.sdk.execution_time.supervisor",
    "airflow.api_fastapi.execution_api.versions",
    "airflow.api_fastapi.app",
    "airflow.api_fastapi.execution_api.routes",
)
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


def import_airflow() -> None:
    """Import what all components need."""
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
    for name in _AIRFLOW:
        importlib.import_module(name)
    from airflow.models import import_all_models

    import_all_models()
    _keep_one_version()


def import_operators() -> None:
    """Import what all but the API server need: what tasks and DAG files would import."""
    for name in _OPERATORS:
        importlib.import_module(name)


def _keep_one_version() -> None:
    """Forget the old versions of the execution API.

    Making the routes of each takes as long as importing Airflow. They are for workers of other
    versions of Airflow; here all are forked from one process.
    """
    from airflow.api_fastapi.execution_api import versions
    from airflow.api_fastapi.execution_api.routes import execution_api_router
    from cadwyn import HeadVersion, Version, VersionBundle
    from cadwyn.route_generation import _DELETED_ROUTE_TAG

    newest = versions.bundle.versions[0].value
    versions.bundle = VersionBundle(HeadVersion(), Version(newest))
    # Routes that only old versions have: Cadwyn refuses those that no version restores.
    execution_api_router.routes[:] = [
        route
        for route in execution_api_router.routes
        if _DELETED_ROUTE_TAG not in getattr(route, "tags", ())
    ]
