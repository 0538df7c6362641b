"""What every task of ours imports before it can do anything.

Airflow forks a process for each task. A process forked from one that has imported these modules
does not import them again: about two seconds of processor time a task, most of it Kubernetes'
clients.
"""

from __future__ import annotations

import importlib

from gitlab_ci_provider.airflow_internals.startup import TASK_RUNNER

MODULES = (
    TASK_RUNNER,
    "gitlab_ci_provider.operators.create_pipeline",
    "gitlab_ci_provider.operators.finish_pipeline",
    "gitlab_ci_provider.operators.job",
    "gitlab_ci_provider.renderer.load",
    "gitlab_ci_provider.compiler.compile",
    "gitlab_ci_provider.rules.evaluate",
    "boto3",
)
"""In the order in which they are needed. None starts a thread or opens a connection."""


def preload() -> None:
    """Import them in this process."""
    for name in MODULES:
        importlib.import_module(name)
