"""Airflow's components, each as what a forked process runs: Airflow's own command, in quiet."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from gitlab_ci_provider.local.airflow.fork import take_children_along


def api_server() -> None:
    """Make the API's routes and run the API server."""
    from gitlab_ci_provider.local.airflow import api_server as server

    server.prepare()
    server.main()


def scheduler() -> None:
    """Run the scheduler, without its log server: that one listens on every address."""
    _airflow("scheduler", "--skip-serve-logs")


def dag_processor() -> None:
    """Run the DAG processor."""
    from airflow.cli.commands import dag_processor_command

    from gitlab_ci_provider.local.airflow.dag_processor import WakefulManager

    dag_processor_command.DagFileProcessorManager = WakefulManager
    take_children_along()
    _airflow("dag-processor")


def triggerer() -> None:
    """Run the triggerer, without its log server."""
    from airflow.jobs import triggerer_job_runner

    from gitlab_ci_provider.local.airflow.triggerer import WakefulSupervisor

    triggerer_job_runner.TriggerRunnerSupervisor = WakefulSupervisor
    take_children_along()
    _airflow("triggerer", "--skip-serve-logs")


JOBS = {
    "scheduler": "SchedulerJob",
    "dag-processor": "DagProcessorJob",
    "triggerer": "TriggererJob",
}
"""Components that tell in the database that they live, and as what."""

COMPONENTS: dict[str, Callable[[], None]] = {
    "api-server": api_server,
    "scheduler": scheduler,
    "dag-processor": dag_processor,
    "triggerer": triggerer,
}


def run(name: str) -> None:
    """Be a component of Airflow."""
    from setproctitle import setproctitle

    from gitlab_ci_provider.local.airflow.database import close_job

    setproctitle(f"airflow {name}")
    if name in JOBS:
        close_job(JOBS[name])
    COMPONENTS[name]()


def _airflow(*arguments: str) -> None:
    from airflow.__main__ import main

    sys.argv = ["airflow", *arguments]
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
    main()
