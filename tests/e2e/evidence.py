"""What a failed end-to-end test shows of its stack, which is gone when the report is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from e2e.embedded import Stack
from gitlab_ci_provider.exceptions import GitlabCiError

_RUNS = 6
"""Tests share the stack: these are the latest runs, not only those of the test."""

_LINES = 25


def describe(stack: Stack) -> str:
    """Return the latest runs with the states of their tasks, all pods, and the ends of logs."""
    return "\n".join([*_runs(stack), *_pods(stack), *_logs(stack)])


def _runs(stack: Stack) -> Iterator[str]:
    try:
        query = {"order_by": "-run_after", "limit": _RUNS}
        found = stack.api.request("GET", "/dags/~/dagRuns", params=query)["dag_runs"]
        for run in found:
            dag, name = run["dag_id"], run["dag_run_id"]
            yield f"{dag} {name}: {run['state']}"
            for task in stack.api.tasks(dag, name).values():
                yield f"  {task.task_id}: {task.state}, try {task.try_number}, {task.started}"
    except GitlabCiError as problem:
        yield f"Airflow does not say how its runs are: {problem}"


def _pods(stack: Stack) -> Iterator[str]:
    try:
        for pod in stack.core.list_namespaced_pod(stack.namespace).items:
            about, status = pod.metadata, pod.status
            yield f"pod {about.name}: {status.phase}, deleted at {about.deletion_timestamp}"
            for one in status.container_statuses or ():
                state = one.state
                yield f"  {one.name}: {state.running or state.terminated or state.waiting}"
    except (ApiException, HTTPError, ConfigException) as problem:
        yield f"Kubernetes does not say how its pods are: {problem}"


def _logs(stack: Stack) -> Iterator[str]:
    files = [
        stack.home.logs / f"{name}.log" for name in ("scheduler", "triggerer", "dag-processor")
    ]
    if stack.place:  # a cluster of the tests keeps the logs of its parts there
        files.append(Path(stack.place.kubeconfig).with_name("kubelet.log"))
    for file in files:
        yield f"== the end of {file.name}"
        lines = file.read_text(errors="replace").splitlines() if file.exists() else []
        yield from lines[-_LINES:]
