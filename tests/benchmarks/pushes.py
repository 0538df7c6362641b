"""Times what a push to GitLab takes until its pipeline has a pod, and many pushes at once.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.pushes [--projects 100] [--single 5]

The stand-in for GitLab, a DAG bundle, PostgreSQL, two workers of Celery that share no folder, and
the embedded cluster: the installation of `e2e/test_gitlab_bundle.py`. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kubernetes import client, config, watch
from urllib3.exceptions import HTTPError

from e2e.apart import Apart, airflow_apart
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.tree import cpu_seconds
from servers.gitlab.server import GitLab, gitlab_server
from servers.gitlab.world import Project
from servers.repositories import git

_TOKEN = "glpat-0123456789"
_SECRET = "a-secret-of-webhooks"
_BUNDLE = {
    "classpath": "gitlab_ci_provider.bundles.gitlab.GitLabDagBundle",
    "kwargs": {"groups": ["group"], "sync_interval": 3600, "refresh_interval": 1},
}
_ENDS = {"success", "failed"}


@dataclass
class Pods:
    """When each pod was seen first, in seconds since 1970.

    Attributes:
        over: nobody looks any more, and the cluster may end.
    """

    core: client.CoreV1Api
    seen: dict[str, float] = field(default_factory=dict)
    over: bool = False

    def watch(self) -> None:
        """Look until the cluster ends."""
        try:
            for event in watch.Watch().stream(self.core.list_namespaced_pod, "default"):
                self.seen.setdefault(event["object"].metadata.name, _now())
        except HTTPError:
            if not self.over:
                raise

    def since(self, began: float) -> list[float]:
        """List the seconds from a moment to each pod that came after it."""
        return sorted(at - began for at in self.seen.values() if at >= began)


def _now() -> float:
    """Return the time as Airflow has it, in seconds since 1970."""
    return datetime.now(UTC).timestamp()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=100)
    parser.add_argument("--single", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, gitlab_server(Path(name) / "gitlab") as gitlab:
        gitlab.world.add_token(_TOKEN, admin=True)
        projects = [
            gitlab.world.add_project(f"group/p{number}", {".gitlab-ci.yml": _pipeline("first")})
            for number in range(given.projects)
        ]
        folder = Path(name) / "airflow"
        folder.mkdir()
        with airflow_apart(folder, _BUNDLE, _environment(gitlab), celery=True) as apart:
            _report_to(gitlab, apart)
            began = _now()
            _wait_for_dags(apart, len(projects))
            print(f"{len(projects)} projects appeared within {_now() - began:.0f} s")
            pods = _pods(folder)
            _measure_single(gitlab, apart, pods, projects[0], given.single)
            _measure_all(gitlab, apart, pods, projects)
            pods.over = True


def _measure_single(gitlab: GitLab, apart: Apart, pods: Pods, project: Project, count: int) -> None:
    print(f"\nOne push, load {os.getloadavg()[0]:.0f}\n")
    samples = []
    for number in range(count + 1):
        began, commits = _pushed(gitlab, [project], f"single-{number}")
        samples.append([*_moments(apart, commits, began), pods.since(began)[0]])
    shown = zip(*samples[1:], strict=True)
    print("| From the push to | s: median (least to most) |\n| --- | --- |")
    for name, values in zip(("the run", "create_pipeline's end", "the end", "the pod"), shown,
                            strict=True):  # fmt: skip
        print(
            f"| {name} | {statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f}) |"
        )


def _measure_all(gitlab: GitLab, apart: Apart, pods: Pods, projects: Sequence[Project]) -> None:
    before, requests = _processor(apart), len(gitlab.requests)
    began, commits = _pushed(gitlab, projects, "all")
    told = _now() - began
    run, created, end = _moments(apart, commits, began)
    found, used = pods.since(began), _processor(apart)
    print(f"\n{len(projects)} pushes at once, load {os.getloadavg()[0]:.0f}\n")
    print("| From the first push to | s |\n| --- | --- |")
    print(f"| the last push is reported and stored | {told:.1f} |")
    pod, half, last = found[0], statistics.median(found), found[-1]
    print(f"| the first of {len(found)} pods, half, the last | {pod:.1f}, {half:.1f}, {last:.1f} |")
    print(f"| the last run, its create_pipeline, its end | {run:.1f}, {created:.1f}, {end:.1f} |")
    for name, seconds in used.items():
        print(f"| CPU of {name} | {seconds - before[name]:.0f} |")
    print(f"| requests to GitLab, git's too | {len(gitlab.requests) - requests} |")


def _pushed(
    gitlab: GitLab, projects: Sequence[Project], name: str
) -> tuple[float, set[tuple[str, str]]]:
    """Push a commit to each project at the same time; when that began, and DAGs with commits."""
    for project in projects:
        (project.work / ".gitlab-ci.yml").write_text(_pipeline(name))
        git(project.work, "commit", "--quiet", "--all", "--message", name)
    began = _now()

    def push(project: Project) -> tuple[str, str]:
        url = f"{gitlab.url}/{project.path}.git".replace("://", f"://robot:{_TOKEN}@")
        git(project.work, "push", "--quiet", url, "HEAD:main")
        return project.path.replace("/", "__"), git(project.work, "rev-parse", "HEAD")

    with ThreadPoolExecutor(16) as pool:
        return began, set(pool.map(push, projects))


def _moments(apart: Apart, commits: set[tuple[str, str]], began: float) -> list[float]:
    """Wait for the runs of commits; seconds until the last began, was created, and ended."""
    while True:
        listed = apart.api.list_all("/dags/~/dagRuns", "dag_runs")
        found = [run for run in listed if (run["dag_id"], run["conf"].get("sha")) in commits]
        if len(found) >= len(commits) and all(run["state"] in _ENDS for run in found):
            break
        time.sleep(1)
    bad = [run for run in found if run["state"] != "success"]
    if bad or len(found) != len(commits):
        raise SystemExit(f"{len(found)} runs for {len(commits)} pushes; failed: {bad[:3]}")
    last = max(found, key=lambda run: str(run["end_date"]))
    tasks = f"/dags/{last['dag_id']}/dagRuns/{last['dag_run_id']}/taskInstances"
    created = apart.api.request("GET", f"{tasks}/create_pipeline")["end_date"]
    starts = max(str(run["start_date"]) for run in found)
    return [datetime.fromisoformat(at).timestamp() - began
            for at in (starts, created, str(last["end_date"]))]  # fmt: skip


def _processor(apart: Apart) -> dict[str, float]:
    return {name: cpu_seconds(part.popen.pid) for name, part in apart.parts.items()}


def _wait_for_dags(apart: Apart, count: int) -> None:
    while len(apart.api.list_all("/dags", "dags")) < count:
        time.sleep(1)


def _pods(folder: Path) -> Pods:
    found = Pods(
        client.CoreV1Api(
            config.new_client_from_config(str(Home(folder / "cluster-home").kubeconfig))
        )
    )
    threading.Thread(target=found.watch, daemon=True).start()
    return found


def _report_to(gitlab: GitLab, apart: Apart) -> None:
    url = f"{apart.api.url}/gitlab-webhooks/gitlab_default"
    hook = {"id": 1, "url": url, "push_events": True, "token": _SECRET, "answers": []}
    gitlab.world.groups["group"].things["hooks"] = [hook]


def _environment(gitlab: GitLab) -> dict[str, str]:
    connection: dict[str, Any] = {"conn_type": "gitlab", "host": gitlab.url, "password": _TOKEN}
    connection["extra"] = {"webhook_token": _SECRET}
    return {
        "AIRFLOW_CONN_GITLAB_DEFAULT": json.dumps(connection),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__PARALLELISM": "32",
    }


def _pipeline(name: str) -> str:
    """Write a pipeline of one job, whose script is another in each commit."""
    return f"test: {{script: echo {name}}}\n"


if __name__ == "__main__":
    main()
