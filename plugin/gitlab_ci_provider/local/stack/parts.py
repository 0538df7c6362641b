"""The parts that the supervisor starts, and starts again when they die."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitlab_ci_provider.local.airflow import process as airflow
from gitlab_ci_provider.local.airflow.config import Ports, airflow_environment
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.ports import listens
from gitlab_ci_provider.local.processes.process import Process
from gitlab_ci_provider.local.secrets import StackSecrets
from gitlab_ci_provider.local.stack.cluster import start_cluster
from gitlab_ci_provider.local.stack.object_store import start_object_store


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the stack: how to start it, and whether it is ready."""

    name: str
    start: Callable[[], Process]
    is_ready: Callable[[], bool]


def parts_of_stack(
    home: Home, secrets: StackSecrets, ports: Ports, runtime: str, started: float
) -> tuple[Part, ...]:
    """List the parts; they start at the same time, the slowest first."""
    environment = airflow_environment(home, secrets, ports)
    return (
        Part(
            "airflow",
            lambda: airflow.start_airflow(home, environment, started),
            lambda: airflow.airflow_answers(ports.airflow),
        ),
        Part(
            "object store",
            lambda: start_object_store(home, secrets, ports.object_store),
            lambda: listens(ports.object_store),
        ),
        Part(
            "cluster",
            lambda: start_cluster(home, runtime, ports.cluster),
            home.kubeconfig.exists,
        ),
    )
