"""How many jobs one triggerer can follow: memory, processor time, watches, and no line lost.

Runs the triggers of many jobs in one event loop, as Airflow's triggerer does, against an embedded
cluster whose pods only live and end.

    .venv/bin/python tests/benchmarks/waiting.py --jobs 500 --seconds 60 --lines 100
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from gitlab_ci_provider.hooks.async_kubernetes import Place
from gitlab_ci_provider.hooks.pod_hub import hub_of
from gitlab_ci_provider.model.workspace import (
    BUILD_CONTAINER,
    HELPER_CONTAINER,
    PREPARE_CONTAINER,
)
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN
from gitlab_ci_provider.runs.job.handover import Handover, pack
from gitlab_ci_provider.runs.job.trigger import JobPodTrigger

CONNECTION, NAMESPACE = "benchmark", "default"
FOLLOWED: ContextVar[str] = ContextVar("FOLLOWED", default="")


class Shown(logging.Handler):
    """Counts the lines that triggers show."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Count."""
        self.lines[FOLLOWED.get()] += record.getMessage().count("\n") + 1


def pod(name: str, seconds: int, lines: int) -> dict[str, Any]:
    """Make a job's pod that only lives."""

    def container(called: str, *argv: str) -> dict[str, Any]:
        return {"name": called, "image": "none", "command": ["inert", *argv]}

    life = [str(seconds), "0"]
    return {
        "metadata": {"name": name, "labels": {f"{LABEL_DOMAIN}/life": "1"}},
        "spec": {
            "restartPolicy": "Never",
            "initContainers": [container(PREPARE_CONTAINER, "0", "1")],
            "containers": [
                container(BUILD_CONTAINER, *life),
                container(HELPER_CONTAINER, str(seconds), str(lines)),
            ],
        },
    }


async def start(jobs: int, seconds: int, lines: int) -> list[asyncio.Task[dict[str, Any]]]:
    """Create the pods, and follow each."""
    tasks = []
    hub = hub_of(Place(CONNECTION, NAMESPACE), 600)
    async with hub.watching("nobody", logging.getLogger("nobody")):
        for number in range(jobs):
            body = json.dumps(pod(f"job-{number}", seconds, lines))
            response = await hub.cluster.api.call_api(
                f"/api/v1/namespaces/{NAMESPACE}/pods",
                "POST",
                header_params={"Content-Type": "application/json"},
                body=json.loads(body),
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
            )
            assert response.status == 201, await response.text()
            response.close()
            name = f"job-{number}"
            tasks.append(asyncio.create_task(followed(name), name=name))
    return tasks


async def followed(name: str) -> dict[str, Any]:
    """Run the trigger of a job."""
    FOLLOWED.set(name)
    handover = Handover(
        connection=CONNECTION,
        namespace=NAMESPACE,
        pod=name,
        uid="",
        deadline=time.time() + 3600,  # noqa: TID251 - a moment, not a duration
    )
    trigger = JobPodTrigger(handover=pack(handover), patience=600, grace=0, outage=600)
    return dict((await anext(trigger.run())).payload)


async def measure(jobs: int, seconds: int, lines: int, shown: Shown) -> dict[str, Any]:
    """Follow all jobs at once."""
    before, idle = _memory(), time.process_time()
    names = [f"job-{number}" for number in range(jobs)]
    hub = hub_of(Place(CONNECTION, NAMESPACE), 600)
    most = before
    begin = time.monotonic()
    tasks = await start(jobs, seconds, lines)
    started = time.monotonic() - begin
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0.5)
        most = max(most, _memory())
        if time.monotonic() - begin > 3 * seconds + 60:
            break
    left = [task for task in tasks if not task.done()]
    for task in left[:3]:
        task.print_stack()
    ends = Counter(json.dumps(task.result()["why"]) for task in tasks if task.done())
    return {
        "jobs": jobs,
        "seconds": round(time.monotonic() - begin, 1),
        "started within": round(started, 1),
        "processor seconds": round(time.process_time() - idle, 1),
        "MB": round(most - before, 1),
        "KB a job": round((most - before) * 1000 / jobs, 1),
        "watches begun": hub.watches,
        "unfinished": len(left),
        "why": dict(ends),
        "jobs with every line": sum(shown.lines[name] == lines + 1 for name in names),
    }


def _memory() -> float:
    """Read the memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    """Measure, and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--lines", type=int, default=100)
    options = parser.parse_args()
    shown = Shown()
    logger = logging.getLogger("gitlab_ci_provider.runs.job.trigger")
    logger.addHandler(shown)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "cluster"
        command = [sys.executable, "-m", "gitlab_ci_cluster", "--dir", str(state)]
        with (Path(folder) / "log").open("wb") as log:
            cluster = subprocess.Popen([*command, "--runtime", "inert"], stdout=log, stderr=log)
        try:
            while not (state / "kubeconfig").exists() and cluster.poll() is None:
                time.sleep(0.1)
            extra = {"kube_config_path": str(state / "kubeconfig")}
            os.environ[f"AIRFLOW_CONN_{CONNECTION.upper()}"] = json.dumps(
                {"conn_type": "kubernetes", "extra": extra}
            )
            found = asyncio.run(measure(options.jobs, options.seconds, options.lines, shown))
        finally:
            cluster.send_signal(signal.SIGTERM)
            cluster.wait()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
