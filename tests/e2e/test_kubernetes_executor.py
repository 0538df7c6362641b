"""Airflow's KubernetesExecutor: each task has a worker in a pod of its own, with an empty disk.

The project is one of a GitLab, the state is in an object store. The tests use one installation.
"""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from clusters.target import read_target
from e2e.apart import Apart, airflow_apart
from e2e.worker_pods import WorkerPods, why_not, worker_pods
from processes.counter import Heard, counting
from processes.waiting import wait_until
from servers import databases
from servers.gitlab.server import gitlab_server

TOKEN = "glpat-0123456789"
DAG = "group__app"
BUNDLE = {
    "classpath": "gitlab_ci_provider.bundles.gitlab.GitLabDagBundle",
    "kwargs": {"groups": ["group"], "refresh_interval": 1},
}

pytestmark = [
    pytest.mark.real("its workers are pods of an image"),
    pytest.mark.skipif(bool(databases.why_not()), reason=databases.why_not()),
]


@pytest.fixture(scope="module")
def heard() -> Iterator[Heard]:
    """Hear the jobs of all tests: they are those of one pipeline."""
    with counting() as found:
        yield found


@pytest.fixture(scope="module")
def pods(pytestconfig: pytest.Config) -> Iterator[WorkerPods]:
    """Namespaces of workers and jobs."""
    target = read_target(Path(pytestconfig.option.kubeconfig))
    if reason := why_not(target):
        pytest.skip(reason)
    with worker_pods(target, f"gitlab-ci-{uuid.uuid4().hex[:6]}") as made:
        yield made


@pytest.fixture(scope="module")
def apart(
    pods: WorkerPods, heard: Heard, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Apart]:
    """Run a GitLab, and an Airflow that shows its project and whose tasks are pods."""
    with gitlab_server(tmp_path_factory.mktemp("gitlab")) as gitlab:
        gitlab.world.add_token(TOKEN, admin=True)
        gitlab.world.add_project("group/app", {".gitlab-ci.yml": config(heard)})
        connection = {"conn_type": "gitlab", "host": gitlab.url, "password": TOKEN}
        more = {
            "AIRFLOW_CONN_GITLAB_DEFAULT": json.dumps({**connection, "extra": {"report": "jobs"}}),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            # A job that the triggerer follows has no worker to lose.
            "AIRFLOW__GITLAB_CI__WAITING": "worker",
        }
        with airflow_apart(tmp_path_factory.mktemp("apart"), BUNDLE, more, pods=pods) as running:
            wait_until(lambda: DAG in dags(running), "the DAG", pause=1)
            yield running


def config(heard: Heard) -> str:
    """Write a pipeline whose first job can be held, and whose second needs its artifact."""
    build = f"build: {{stage: build, script: [{heard.say('build')!r}, echo made >made],"
    return f"""
{build} artifacts: {{paths: [made]}}}}
check: {{stage: test, script: grep made made}}
"""


def dags(apart: Apart) -> set[str]:
    """Name the DAGs that Airflow has."""
    return {dag["dag_id"] for dag in apart.api.request("GET", "/dags")["dags"]}


def tasks(apart: Apart, run: str) -> dict[str, dict[str, Any]]:
    """Read all that Airflow says of the tasks of a run."""
    found = apart.api.request("GET", f"/dags/{DAG}/dagRuns/{run}/taskInstances")
    return {task["task_id"]: task for task in found["task_instances"]}


def ends_well(apart: Apart, run: str) -> dict[str, dict[str, Any]]:
    """Wait for the end of a run, which has to be good; returns its tasks."""
    wait_until(lambda: apart.api.run_state(DAG, run) in {"success", "failed"}, run, pause=1)
    found = tasks(apart, run)
    states = {name: task["state"] for name, task in found.items()}
    assert set(states.values()) == {"success"}, (states, apart.log("scheduler")[-3000:])
    return found


def held(apart: Apart, heard: Heard) -> tuple[str, dict[str, Any]]:
    """Start a pipeline and wait until its first job talks; returns the run, and the job's task."""
    heard.hold("build")
    before, run = heard.lines["build"], apart.api.trigger(DAG, {})
    heard.wait_for("build", before + 1)
    return run, tasks(apart, run)["build"]


def is_tried_again(apart: Apart, run: str) -> bool:
    """Tell whether the second worker of the first job is at work."""
    task = tasks(apart, run)["build"]
    return bool(task["try_number"] == 2 and task["state"] == "running")


def test_each_task_has_a_worker_with_an_empty_disk(apart: Apart, pods: WorkerPods, heard: Heard):
    """Only the object store leads from one to the next; no pod's description has the token."""
    run, task = held(apart, heard)
    worker = pods.core.read_namespaced_pod(task["hostname"], pods.workers)
    mounted = [volume for volume in worker.spec.volumes if volume.secret is None]
    listed = pods.core.list_pod_for_all_namespaces()
    described = json.dumps(pods.core.api_client.sanitize_for_serialization(listed))
    heard.release("build")

    found = ends_well(apart, run)

    assert len({task["hostname"] for task in found.values()}) == len(found) == 4
    assert mounted == []
    assert TOKEN not in described
    assert heard.lines["build"] == 1


@pytest.mark.parametrize("how", ["killed", "deleted"])
def test_a_job_goes_on_without_its_worker(apart: Apart, pods: WorkerPods, heard: Heard, how: str):
    """The kernel kills it, or Kubernetes tells it to end: the next one finds the pod of the job."""
    before = heard.lines["build"]
    run, task = held(apart, heard)

    if how == "killed":
        kill(task["id"])
    else:
        pods.core.delete_namespaced_pod(task["hostname"], pods.workers)
    wait_until(lambda: is_tried_again(apart, run), "the second try", pause=1)
    heard.release("build")

    found = ends_well(apart, run)
    assert found["build"]["hostname"] != task["hostname"]
    assert heard.lines["build"] == before + 1, "the script ran twice"


def test_nothing_of_the_jobs_is_left(apart: Apart, pods: WorkerPods):
    """Neither pods nor their Secrets, whatever has happened to the workers."""

    def left() -> list[str]:
        secrets = pods.core.list_namespaced_secret(pods.jobs).items
        ours = [one for one in secrets if not one.type.startswith("kubernetes.io/")]
        there = [*pods.core.list_namespaced_pod(pods.jobs).items, *ours]
        return [one.metadata.name for one in there]

    assert not apart.api.request("GET", "/importErrors")["import_errors"]
    wait_until(lambda: left() == [], "the end of all pods and Secrets")


def kill(task: str) -> None:
    """Kill the processes of the worker that runs a try of a task."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if task in (folder / "cmdline").read_text(errors="replace"):
                os.kill(int(folder.name), signal.SIGKILL)
