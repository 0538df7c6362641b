"""What a job costs beyond its pod: a bare pod, the stock KubernetesPodOperator, and ours.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.overhead [--runs 5] [--kubernetes]

One job `true`, on an otherwise idle Airflow, waited for in each way: on the embedded cluster, or on
a real Kubernetes that is started for it (see CONTRIBUTING.md), whose audit log counts the calls.
The machine may be busy, so everything takes turns with a bare pod of our shape, and what counts is
the time beyond the one before it. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from kubernetes import client, config, watch

from benchmarks.shapes import one_run, repository
from clusters.real import real_cluster
from clusters.target import read_target
from e2e.embedded import Stack
from e2e.real import World, real_world
from gitlab_ci_cluster.runtimes.known import VARIABLE
from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.projects import add_project
from gitlab_ci_provider.local.stack.lifecycle import StackOptions, running_stack
from gitlab_ci_provider.model.names import dag_id
from processes.waiting import wait_until
from servers.address import ADDRESS

WAYS = ("worker", "adaptive", "deferred")
SHAPE = "bare pod of our shape (3 containers)"
PIPELINE = "job: {image: 'debian:12', script: 'true'}\n"
HELPER_IMAGE = "gitlab-ci-helper:local"
STOCK = """
from airflow.sdk import DAG
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

for name, deferrable in [("stock", False), ("stock_deferrable", True)]:
    with DAG(name, schedule=None):
        KubernetesPodOperator(
            task_id="job", name="stock", image="debian:12", cmds=["sh", "-c", "true"],
            kubernetes_conn_id="{connection}", namespace="{namespace}", deferrable=deferrable,
            container_security_context={{"allowPrivilegeEscalation": False}},
        )
"""


@dataclass(frozen=True)
class Place:
    """Where jobs run: an Airflow, and the namespace of its jobs' pods."""

    stack: Stack
    core: client.CoreV1Api
    namespace: str
    connection: str
    url: str
    asked: Callable[[], list[dict[str, Any]]]


@dataclass(frozen=True)
class Sample:
    """One job.

    Attributes:
        pod: seconds from its pod's creation to its deletion.
        task: seconds of its task.
        calls: to the API, by kind.
        beyond: seconds of the bare pod that ran just before.
    """

    pod: float
    task: float | None = None
    calls: Counter[str] | None = None
    beyond: float | None = None


Start = Callable[[Path], AbstractContextManager[Place]]
"""Starts a stack in a folder."""


def embedded(pipeline: str) -> Start:
    """Give what starts a stack with its own cluster."""
    os.environ.setdefault(VARIABLE, "process")  # not whatever engine this machine has

    @contextmanager
    def start(folder: Path) -> Iterator[Place]:
        home = Home(folder / "home")
        home.make()
        url = str(repository(str(folder), "project", pipeline))
        with running_stack(home, StackOptions()) as state:
            core = client.CoreV1Api(config.new_client_from_config(str(home.kubeconfig)))
            stack = Stack(home, AirflowApi(state.access))
            yield Place(stack, core, "default", "gitlab_ci_kubernetes", url, list)

    return start


def on(kubeconfig: Path, pipeline: str) -> Start:
    """Give what starts a stack that uses a cluster."""
    target = read_target(kubeconfig)
    os.environ[ADDRESS] = target.machine

    @contextmanager
    def start(folder: Path) -> Iterator[Place]:
        with real_world(target, folder, pipeline) as world:
            yield _place(world)

    return start


def _place(world: World) -> Place:
    return Place(world.stack, world.core, world.place.namespace, "real", world.url, world.asked)


def bare(place: Place, containers: int) -> Sample:
    """Run a pod that no Airflow knows, with so many containers, the first before the others."""
    name = f"bare-{uuid.uuid4().hex[:8]}"
    images = [HELPER_IMAGE, "debian:12", HELPER_IMAGE] if containers > 1 else ["debian:12"]
    made = [
        client.V1Container(name=f"c{number}", image=image, command=["sh", "-c", "true"])
        for number, image in enumerate(images)
    ]
    spec = client.V1PodSpec(
        restart_policy="Never",
        init_containers=made[:1] if containers > 1 else None,
        containers=made[1:] or made,
    )
    body = client.V1Pod(metadata=client.V1ObjectMeta(name=name), spec=spec)
    began = time.monotonic()
    place.core.create_namespaced_pod(place.namespace, body)
    stream = watch.Watch().stream(
        place.core.list_namespaced_pod, place.namespace, field_selector=f"metadata.name={name}"
    )
    for event in stream:
        if event["object"].status.phase in {"Succeeded", "Failed"}:
            break
    place.core.delete_namespaced_pod(name, place.namespace)
    return Sample(time.monotonic() - began)


def job(place: Place, dag: str, task: str) -> Sample:
    """Run a DAG, and look at its one pod and task."""
    seen: dict[str, list[float]] = {}
    before = len(place.asked())
    with _watching(place, seen):
        run = one_run_id(place, dag)
    ((began, ended),) = seen.values()
    calls = Counter(_call(one) for one in place.asked()[before:])
    return Sample(ended - began, _task_seconds(place, dag, run, task), calls or None)


def one_run_id(place: Place, dag: str) -> str:
    """Run a DAG to its end; gives the run."""
    one_run(place.stack.api, dag)
    found = place.stack.api.request("GET", f"/dags/{dag}/dagRuns?order_by=-run_after&limit=1")
    return str(found["dag_runs"][0]["dag_run_id"])


@contextmanager
def _watching(place: Place, seen: dict[str, list[float]]) -> Iterator[None]:
    """Note when pods appear, and when they begin to go."""
    version = place.core.list_namespaced_pod(place.namespace).metadata.resource_version
    over = threading.Event()

    def follow() -> None:
        for event in watch.Watch().stream(
            place.core.list_namespaced_pod, place.namespace, resource_version=version
        ):
            pod, gone = event["object"].metadata, event["type"] == "DELETED"
            moments = seen.setdefault(pod.name, [])
            if not moments or (len(moments) == 1 and (gone or pod.deletion_timestamp)):
                moments.append(time.monotonic())
            if gone:
                over.set()
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    yield
    over.wait(60)


def _call(entry: Mapping[str, Any]) -> str:
    about = entry["objectRef"]
    name = "/".join(filter(None, [about.get("resource"), about.get("subresource")]))
    return f"{entry['verb']} {name}"


def _task_seconds(place: Place, dag: str, run: str, task: str) -> float:
    found = place.stack.api.request("GET", f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}")
    began, ended = (datetime.fromisoformat(found[key]) for key in ("start_date", "end_date"))
    return (ended - began).total_seconds()


def measure(place: Place, runs: int, way: str) -> dict[str, list[Sample]]:
    """Run each kind in turn, once before it counts; what is not ours with the first way only."""
    added = add_project(place.stack.home, place.url)
    assert added.record is not None
    ours = dag_id(added.record.project.path)
    place.stack.wait_for_dag(added.record)
    kinds: dict[str, Callable[[], Sample]] = {}
    if way == WAYS[0]:
        _add_stock(place)
        kinds = {
            "bare pod, one container": lambda: bare(place, 1),
            "stock KubernetesPodOperator": lambda: job(place, "stock", "job"),
            "the same, deferrable": lambda: job(place, "stock_deferrable", "job"),
        }
    kinds[f"ours, `waiting = {way}`"] = lambda: job(place, ours, "job")
    samples: dict[str, list[Sample]] = {name: [] for name in (SHAPE, *kinds)}
    for number in range(runs + 1):
        for name, run in kinds.items():
            shape = bare(place, 3)
            sample = replace(run(), beyond=shape.pod)
            if number:
                samples[SHAPE].append(shape)
                samples[name].append(sample)
    return samples


def _add_stock(place: Place) -> None:
    folder = place.stack.home.dags / "stock"
    folder.mkdir()
    text = STOCK.format(connection=place.connection, namespace=place.namespace)
    (folder / "stock.py").write_text(text)
    for name in ("stock", "stock_deferrable"):
        wait_until(partial(_has_dag, place, name), f"DAG {name}", pause=0.5)
        place.stack.api.request("PATCH", f"/dags/{name}", json={"is_paused": False})


def _has_dag(place: Place, name: str) -> bool:
    found = place.stack.api.request("GET", "/dags", params={"dag_id_pattern": name})
    return any(dag["dag_id"] == name for dag in found["dags"])


def table(samples: Mapping[str, list[Sample]]) -> str:
    """Show medians, and the least and most of what a job takes beyond the bare pod of our shape."""
    lines = [
        f"| load {os.getloadavg()[1]:.0f} | pod, s | task, s | beyond our bare shape, s | calls |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, found in samples.items():
        tasks = [one.task for one in found if one.task is not None]
        counts = [one.calls.total() for one in found if one.calls]
        more = sorted(one.pod - one.beyond for one in found if one.beyond is not None)
        cells = [f"{statistics.median(one.pod for one in found):.2f}"]
        cells.append(f"{statistics.median(tasks):.2f}" if tasks else "")
        middle = f"{statistics.median(more):.2f} ({more[0]:.2f} to {more[-1]:.2f})" if more else ""
        cells.append(middle)
        cells.append(f"{statistics.median(counts):.0f}" if counts else "")
        lines.append(f"| {name} | {' | '.join(cells)} |")
        if found[-1].calls:
            lines.append(f"<!-- {dict(sorted(found[-1].calls.items()))} -->")
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--kubernetes", action="store_true", help="on a real Kubernetes")
    parser.add_argument("--kubeconfig", type=Path, help="on one that is there")
    given = parser.parse_args()
    samples: dict[str, list[Sample]] = {}
    with ExitStack() as opened:
        found = given.kubeconfig
        if given.kubernetes:
            found = opened.enter_context(real_cluster()).kubeconfig
        start: Start = on(found, PIPELINE) if found else embedded(PIPELINE)
        for way in WAYS:
            os.environ["AIRFLOW__GITLAB_CI__WAITING"] = way
            with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as place:
                for name, found in measure(place, given.runs, way).items():
                    samples[name] = samples.get(name, []) + found
    print(table(samples))


if __name__ == "__main__":
    main()
