"""Airflow's components: what each forked process runs, which is Airflow's own command."""

from __future__ import annotations

from collections.abc import Callable

from gitlab_ci_provider.airflow_internals.startup import run_command
from gitlab_ci_provider.local.airflow.fork import take_children_along


def api_server() -> None:
    """Make the API's routes and run the API server."""
    from gitlab_ci_provider.local.airflow import api_server as server

    server.prepare()
    server.main()


def scheduler() -> None:
    """Run the scheduler, without its log server: that one listens on every address."""
    from gitlab_ci_provider.airflow_internals.components import use_task_watch
    from gitlab_ci_provider.local.airflow.task_watch import NoticingSubprocess

    use_task_watch(NoticingSubprocess)
    run_command("scheduler", "--skip-serve-logs")


def dag_processor() -> None:
    """Run the DAG processor."""
    from gitlab_ci_provider.airflow_internals.components import use_dag_processor
    from gitlab_ci_provider.local.airflow.dag_processor import WakefulManager

    use_dag_processor(WakefulManager)
    take_children_along()
    run_command("dag-processor")


def triggerer() -> None:
    """Run the triggerer, without its log server."""
    from gitlab_ci_provider.airflow_internals.components import use_triggerer
    from gitlab_ci_provider.local.airflow.triggerer import WakefulSupervisor

    use_triggerer(WakefulSupervisor)
    take_children_along()
    run_command("triggerer", "--skip-serve-logs")


JOBS = {
    "scheduler": "SchedulerJob",
    "dag-processor": "DagProcessorJob",
    "triggerer": "TriggererJob",
}
"""Components that write heartbeats to the database, and their type of job."""

COMPONENTS: dict[str, Callable[[], None]] = {
    "api-server": api_server,
    "scheduler": scheduler,
    "dag-processor": dag_processor,
    "triggerer": triggerer,
}


def run(name: str) -> None:
    """Run as a component of Airflow."""
    from setproctitle import setproctitle

    from gitlab_ci_provider.local.airflow.database import close_job

    setproctitle(f"airflow {name}")
    if name in JOBS:
        close_job(JOBS[name])
    COMPONENTS[name]()
