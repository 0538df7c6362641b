"""The example of hand-written pods with caches, artifacts and services, in a real Airflow."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.embedded import Stack
from e2e.logs import log_lines
from gitlab_ci_provider.pods.grace import SERVICES_GRACE
from processes.waiting import wait_until

EXAMPLE = Path(__file__).parents[2] / "dags" / "examples" / "job_pod" / "job_pod.py"
DAG = EXAMPLE.stem

RunDag = Callable[[str, str, dict[str, Any]], str]

MAPPED = """
from airflow.sdk import dag
from gitlab_ci_provider.operators.job_pod import GitlabJobPodOperator

@dag(schedule=None)
def mapped_pods():
    made = GitlabJobPodOperator.partial(
        task_id="make",
        script='echo "$PART" > "$PART.txt"; echo "MADE=$PART" > made.env',
        artifacts={"paths": ["*.txt"], "reports": {"dotenv": "made.env"}},
    ).expand(env_vars=[{"PART": "one"}, {"PART": "two"}])
    made >> GitlabJobPodOperator(
        task_id="join",
        script='cat one.txt two.txt; echo "last: $MADE"',
        from_task_ids=["make"],
        artifacts={"paths": ["*.txt"]},
        services=[{"name": "debian:12", "alias": "deaf", "command": ["sleep", "600"]}],
    )

mapped_pods()
"""

pytestmark = pytest.mark.embedded("its images are programs of this machine")


@pytest.fixture
def run_dag(stack: Stack) -> Iterator[RunDag]:
    """Run a DAG of the name and text, and with the conf; returns the run's ID."""
    files = []

    def run(name: str, text: str, conf: dict[str, Any]) -> str:
        file = stack.home.dags / f"{name}.py"
        if file not in files:
            files.append(file)
            file.write_text(text)
            known = {"dag_id_pattern": name}
            wait_until(
                lambda: stack.api.request("GET", "/dags", params=known)["total_entries"], "the DAG"
            )
            stack.api.request("PATCH", f"/dags/{name}", json={"is_paused": False})
        started = stack.api.trigger(name, conf)
        wait_until(
            lambda: stack.api.run_state(name, started) in {"success", "failed"}, "the run", pause=1
        )
        assert stack.api.run_state(name, started) == "success", logs(stack, name, started)
        return started

    yield run
    for file in files:
        file.unlink()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def logs(stack: Stack, dag: str, run: str, *wanted: str) -> str:
    """Read the logs of tasks of a run; of all when none is named."""
    tasks = stack.api.tasks(dag, run)
    chosen = [task for name, task in tasks.items() if not wanted or name in wanted]
    return "\n".join(line for task in chosen for line in log_lines(stack.api, dag, run, task))


def times_to_end(stack: Stack, dag: str) -> set[int | None]:
    """How many seconds pods that are left of a DAG's runs have; None for one that stays."""
    found = stack.core.list_namespaced_pod(stack.namespace, label_selector=f"dag_id={dag}")
    return {pod.metadata.deletion_grace_period_seconds for pod in found.items}


def test_the_example_has_what_a_job_has(stack: Stack, run_dag: RunDag):
    """By templates: a cache by a fallback, artifacts by task, a service by its alias, an asset.

    The service does not answer TERM, and a pod may take minutes to save what a canceled job leaves.
    """
    text = EXAMPLE.read_text()
    first, second = (
        run_dag(DAG, text, {"ref": ref, "port": free_port()}) for ref in ("main", "topic")
    )

    kept = stack.api.xcom(DAG, second, "build", "return_value")
    assert "build 1 for main" in logs(stack, DAG, first, "show")
    assert "build 2 for topic" in logs(stack, DAG, second, "show")
    assert "Downloading artifacts for check..." in logs(stack, DAG, second, "show")
    assert "Service server is ready" in logs(stack, DAG, second, "check")
    assert (stack.bucket / kept["object_key"]).stat().st_size == kept["size"]
    events = stack.api.request("GET", "/assets/events", params={"source_dag_id": DAG})
    assert kept in [event["extra"] for event in events["asset_events"]]
    assert times_to_end(stack, DAG) <= {SERVICES_GRACE}


def test_instances_of_a_mapped_task_are_kept_apart(stack: Stack, run_dag: RunDag):
    """Each has its own pod and artifacts; a later task gets those of all, and their variables.

    The service of that task does not answer TERM.
    """
    run = run_dag("mapped_pods", MAPPED, {})

    log = logs(stack, "mapped_pods", run, "join")
    assert "one" in log.splitlines()
    assert "two" in log.splitlines()
    assert "last: two" in log.splitlines()
    assert times_to_end(stack, "mapped_pods") <= {SERVICES_GRACE}
