"""Workers have imported what our tasks need before they fork the processes of tasks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitlab_ci_provider.executors.preload import preload
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.serialization import decoder
from gitlab_ci_provider.snapshots.store import StoredDag

NEEDED = ("kubernetes", "kubernetes_asyncio", "gitlab_ci_provider.runs.job.execute", "boto3")
"""What a job imports; without the executors it does so each time."""

LOCAL = """
from multiprocessing import get_context
from airflow.executors.base_executor import BaseExecutor
from gitlab_ci_provider.executors.local import WarmLocalExecutor

class Workload:
    key = display_name = "task"
    running_state, success_state, failure_state = None, "success", "failed"

def run(workload, **_):
    show("in the task")

BaseExecutor.run_workload = staticmethod(run)
executor = WarmLocalExecutor(parallelism=1)
show("before")
executor.start()
with executor._unread_messages:
    executor._unread_messages.value += 1
executor.activity_queue.put(Workload())
executor.end()
"""
CELERY = """
import os, signal
from airflow.providers.celery.executors.celery_executor import app

@app.task(name="ask")
def ask():
    show("in the task")
    os.kill(os.getppid(), signal.SIGTERM)

show("before")
ask.apply_async(queue="default")
app.worker_main(["worker", "--pool=prefork", "--concurrency=1", "--queues=default",
                 "--without-mingle", "--without-gossip", "--without-heartbeat"])
"""
SHOW = f"""
import os, sys

def show(where):
    there = [name for name in {NEEDED!r} if name in sys.modules]
    os.write(1, (" ".join([where, *there]) + os.linesep).encode())
"""


def _run(code: str, folder: Path, **options: str) -> list[str]:
    """Run code in a new interpreter, and return what it shows."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW + code],
        cwd=folder,  # where the broker keeps a folder of its own
        env={**os.environ, "AIRFLOW_HOME": str(folder), **options},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(("before", "in the"))]
    assert len(lines) == 2, done.stderr
    return lines


def test_a_local_worker_has_imported_what_jobs_need(tmp_path: Path):
    """The scheduler imports when the executor starts, not earlier; a task finds everything."""
    assert _run(LOCAL, tmp_path) == ["before", " ".join(["in the task", *NEEDED])]


@pytest.mark.parametrize(
    ("command", "executor", "there"),
    [
        ("scheduler", "LocalExecutor", NEEDED),
        ("scheduler", "CeleryExecutor", ()),
        ("triggerer", "LocalExecutor", ()),
    ],
)
def test_a_scheduler_imports_what_its_workers_need(
    tmp_path: Path, command: str, executor: str, there: tuple[str, ...]
):
    """Airflow's own `LocalExecutor` forks them; other executors' tasks run elsewhere."""
    code = f"""
import sys
sys.argv = ["airflow", {command!r}]
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
show("before")
Job()
show("in the component")
"""

    assert _run(code, tmp_path, AIRFLOW__CORE__EXECUTOR=executor) == [
        "before",
        " ".join(["in the component", *there]),
    ]


@pytest.mark.parametrize(
    ("config", "there"),
    [
        ("airflow.providers.celery.executors.default_celery.DEFAULT_CELERY_CONFIG", NEEDED[:1]),
        ("gitlab_ci_provider.executors.celery.CELERY_CONFIG", NEEDED),
    ],
)
def test_a_celery_worker_has_imported_what_jobs_need(
    tmp_path: Path, config: str, there: tuple[str, ...]
):
    """With Airflow's own configuration only one of the two Kubernetes clients is there."""
    queue = tmp_path / "queue"
    queue.mkdir()
    transport = "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__DATA_FOLDER_"

    shown = _run(
        CELERY,
        tmp_path,
        C_FORCE_ROOT="1",
        AIRFLOW__CORE__EXECUTOR="CeleryExecutor",
        AIRFLOW__CELERY__BROKER_URL="filesystem://",
        AIRFLOW__CELERY__RESULT_BACKEND=f"db+sqlite:///{tmp_path}/results.db",
        AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS=config,
        **{f"{transport}IN": str(queue), f"{transport}OUT": str(queue)},
    )

    assert shown == ["before", " ".join(["in the task", *there])]


def test_what_tasks_read_is_prepared_before_they_begin():
    """Preparing to read these types takes longer than reading a pipeline of 30 jobs."""
    decoder.cache_clear()
    preload()
    before = decoder.cache_info().misses

    for kind in (StoredDag, Pipeline, PipelineRun):
        decoder(kind)

    assert decoder.cache_info().misses == before
