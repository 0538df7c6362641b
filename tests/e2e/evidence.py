"""What a failed end-to-end test shows of its stack, which is gone when the report is read."""

from __future__ import annotations

from collections.abc import Iterator

from e2e.embedded import Stack
from gitlab_ci_provider.exceptions import GitlabCiError

_RUNS = 6
"""Tests share the stack: these are the latest runs, not only those of the test."""

_LINES = 25


def describe(stack: Stack) -> str:
    """Return the latest runs with the states of their tasks, and the ends of Airflow's logs."""
    return "\n".join([*_runs(stack), *_logs(stack)])


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


def _logs(stack: Stack) -> Iterator[str]:
    for component in ("scheduler", "triggerer", "dag-processor"):
        yield f"== the end of {component}.log"
        file = stack.home.logs / f"{component}.log"
        lines = file.read_text(errors="replace").splitlines() if file.exists() else []
        yield from lines[-_LINES:]
