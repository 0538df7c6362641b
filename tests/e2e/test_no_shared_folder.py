"""A pipeline on machines that share no folder: all that they share is an object store."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.apart import Apart, airflow_apart
from gitlab_ci_provider.records.bucket import BucketStore
from gitlab_ci_provider.records.patience import Patience
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.snapshots.store import SnapshotStore
from gitlab_ci_provider.storage.conditional import ConditionalObjects
from processes.counter import Heard
from processes.waiting import wait_until
from servers.repositories import commit, make_repository

CONFIG = """
build:
  stage: build
  script: echo made >made
  artifacts: {paths: [made]}
check:
  stage: test
  script: grep made made
review:
  stage: deploy
  script: 'true'
  environment: review
"""

LEFT_OUT = re.compile("(LIST|GET) snapshots/dags|GET register/")
"""What the DAG processor asks, too, or what reading a number takes once or more."""

A_JOB = {"GET installation": 1, "LIST cancellations": 3}
"""What else a job that does nothing asks of the store, as `docs/reference/state.md` says."""


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    """An Airflow whose parts have homes of their own."""
    with airflow_apart(tmp_path_factory.mktemp("apart")) as running:
        yield running


@contextmanager
def store_away(apart: Apart) -> Iterator[None]:
    """Turn all requests to the store away until a task has asked for something in vain.

    The DAG processor, which lists the DAGs each second, does not count, nor the API server, which
    does without the number of a new run.
    """
    apart.gate.refuse = 503
    yield
    apart.gate.refused.clear()
    wait_until(lambda: {*apart.gate.refused} - {"LIST snapshots/dags"}, "a request of a task")
    apart.gate.refuse = 0


def wait_for_dag(apart: Apart, dag: str) -> None:
    """Wait until Airflow has the DAG, and unpause it."""

    def is_there() -> bool:
        errors = apart.api.request("GET", "/importErrors")["import_errors"]
        assert not errors, errors
        return dag in [found["dag_id"] for found in apart.api.request("GET", "/dags")["dags"]]

    wait_until(is_there, f"the DAG {dag}", pause=1)
    apart.api.request("PATCH", f"/dags/{dag}", json={"is_paused": False})


def shown(apart: Apart, dag: str) -> list[str]:
    """Name the tasks that Airflow shows of a DAG."""
    return [task["task_id"] for task in apart.api.request("GET", f"/dags/{dag}/tasks")["tasks"]]


def finished(apart: Apart, dag: str) -> tuple[str, str]:
    """Run a DAG to its end; return its run and state."""
    run = apart.api.trigger(dag, {})
    wait_until(
        lambda: apart.api.run_state(dag, run) in {"success", "failed"}, f"{dag} {run}", pause=1
    )
    return run, str(apart.api.run_state(dag, run))


def counted(apart: Apart, repository: Path, jobs: int) -> Counter[str]:
    """Count the requests of a pipeline of jobs, one after another, on a machine that has run it."""
    names = [f"job{number}" for number in range(jobs)]
    chain = f"stages: {json.dumps(names)}\n" + "".join(
        f"{name}: {{stage: {name}, script: 'true'}}\n" for name in names
    )
    make_repository(repository, {".gitlab-ci.yml": chain})
    apart.command("laptop", "gitlab-dags", "sync", str(repository))
    dag = f"local__{repository.name}"
    wait_for_dag(apart, dag)
    for _ in range(2):
        apart.gate.counted()
        assert finished(apart, dag)[1] == "success"
        wait_until(lambda: not holds(apart).runs(dag), "the scheduler to let the run go")
    asked: Counter[str] = Counter()
    for name, count in apart.gate.counted().items():
        asked["LIST cancellations" if "cancellations" in name else name] += count
    return Counter({name: count for name, count in asked.items() if not LEFT_OUT.match(name)})


def holds(apart: Apart) -> Holds:
    """Open what holds DAGs, past the gate."""
    objects = ConditionalObjects(apart.store.target(prefix="state/"))
    return Holds(SnapshotStore(BucketStore(lambda: objects, Patience(seconds=0))))


def test_a_pipeline_runs_where_nothing_but_the_object_store_is_shared(apart: Apart, tmp_path: Path):
    """Sync, DAG processor and worker have homes of their own; damaged copies are not believed."""
    repository = tmp_path / "shop"
    make_repository(repository, {".gitlab-ci.yml": CONFIG})
    apart.command("laptop", "gitlab-dags", "sync", str(repository))
    wait_for_dag(apart, "local__shop")

    _, state = finished(apart, "local__shop")

    assert state == "success", apart.log("scheduler")[-3000:]
    homes = {machine: apart.home(machine) for machine in ("laptop", "dag-processor", "scheduler")}
    assert all((home / "copies").is_dir() for home in homes.values())
    assert not any((home / "state").exists() for home in homes.values())

    for copy in (homes["scheduler"] / "copies").rglob("*.json"):
        copy.write_bytes(copy.read_bytes()[:20])  # as a machine that lost its power
    apart.gate.counted()
    assert finished(apart, "local__shop")[1] == "success"
    asked = apart.gate.counted()
    assert asked["GET snapshots/pipelines"] == 1, asked
    assert asked["PUT snapshots/pipelines"] == 0, asked

    commit(repository, {".gitlab-ci.yml": CONFIG.replace("review:", "other:")}, "other jobs")
    apart.command("laptop", "gitlab-dags", "sync", str(repository))
    wait_until(lambda: "other" in shown(apart, "local__shop"), "the other jobs", pause=1)
    run, state = finished(apart, "local__shop")
    assert state == "success"
    assert "other" in apart.api.tasks("local__shop", run)


def test_a_store_that_is_away_is_waited_for(apart: Apart, heard: Heard, tmp_path: Path):
    """When a run starts and when a job ends: nothing fails, and no script runs twice."""
    repository = tmp_path / "away"
    make_repository(repository, {".gitlab-ci.yml": f"work: {{script: [{heard.say('work')!r}]}}\n"})
    apart.command("laptop", "gitlab-dags", "sync", str(repository))
    wait_for_dag(apart, "local__away")
    heard.hold("work")

    with store_away(apart):
        run = apart.api.trigger("local__away", {})
    heard.wait_for("work")
    with store_away(apart):
        heard.release("work")

    wait_until(
        lambda: apart.api.run_state("local__away", run) in {"success", "failed"}, run, pause=1
    )
    assert apart.api.run_state("local__away", run) == "success", apart.log("scheduler")[-3000:]
    assert heard.lines["work"] == 1


def test_what_a_job_asks_of_the_store(apart: Apart, tmp_path: Path):
    """Two jobs more cost twice what a job costs, and no other request."""
    asked = {jobs: counted(apart, tmp_path / f"chain{jobs}", jobs) for jobs in (1, 3)}

    more = asked[3].copy()
    more.subtract(asked[1])
    assert {name: count / 2 for name, count in more.items() if count} == A_JOB, asked
