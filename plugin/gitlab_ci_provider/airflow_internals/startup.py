"""How the embedded stack imports Airflow once, and runs its commands in forked processes."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"

TASK_RUNNER = "airflow.sdk.execution_time.task_runner"
"""What runs a task, in its own process."""

_MASKERS = tuple(
    f"airflow.{part}.secrets_masker.secrets_masker" for part in ("_shared", "sdk._shared")
)
"""They warn, on the standard output, of every connection whose extra has a word of four letters."""

MODULES = (
    "airflow",
    "airflow.__main__",
    "airflow.cli.cli_parser",
    "airflow.cli.commands.api_server_command",
    "airflow.cli.commands.dag_processor_command",
    "airflow.cli.commands.scheduler_command",
    "airflow.cli.commands.triggerer_command",
    TASK_RUNNER,
    "airflow.sdk.execution_time.supervisor",
    "airflow.api_fastapi.execution_api.versions",
    "airflow.api_fastapi.app",
    "airflow.api_fastapi.execution_api.routes",
)
"""What all components import, in the order in which it is needed."""


def import_airflow() -> None:
    """Import what all components need."""
    _be_a_server()
    for name in MODULES:
        importlib.import_module(name)
    from airflow.models import import_all_models

    import_all_models()
    _keep_one_version()


def run_command(*arguments: str) -> None:
    """Run a command of the `airflow` program in this process."""
    from airflow.__main__ import main

    sys.argv = ["airflow", *arguments]
    _be_a_server()
    main()


def wrap_audit_log(wrapper: Callable[[Any], Any]) -> None:
    """Wrap the API server's factory of audit log dependencies, before its routes are made."""
    from airflow.api_fastapi.logging import decorators

    decorators.action_logging = wrapper(decorators.action_logging)


def api_application() -> Any:
    """Return the API server's application, which `airflow api-server` then serves."""
    from airflow.api_fastapi.app import cached_app

    return cached_app(apps="all")


@contextmanager
def with_database() -> Iterator[None]:
    """Let this process find connections and Variables in the database, as `airflow` does."""
    for name in _MASKERS:
        logging.getLogger(name).addFilter(_is_no_warning)  # its level is set again by Airflow
    before = os.environ.get(_CONTEXT)
    _be_a_server()
    try:
        yield
    finally:
        os.environ.pop(_CONTEXT)
        if before is not None:
            os.environ[_CONTEXT] = before


def _is_no_warning(record: logging.LogRecord) -> bool:
    return record.levelno != logging.WARNING


def _be_a_server() -> None:
    """Let this process use the database, as Airflow's own commands do."""
    os.environ[_CONTEXT] = "server"


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
