"""Which requests wake the scheduler."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.local.airflow.announcing import Announcing, gives_work

TASK = "/execution/task-instances/01a224f9-5024-7fe9-ae50-316797200e48"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", f"{TASK}/state"),
        ("POST", "/api/v2/dags/local__app/dagRuns"),
        ("POST", "/api/v2/dags/local__app/clearTaskInstances"),
        ("POST", "/execution/dag-runs/child/run-1"),
        ("POST", "/execution/of/a/later/version"),
    ],
)
def test_whatever_may_give_work_does(method: str, path: str):
    """A task that has ended, what people do, child pipelines, and every request not known here."""
    assert gives_work(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/dags/local__app/dagRuns/run-1"),
        ("PUT", f"{TASK}/heartbeat"),
        ("PATCH", f"{TASK}/run"),
        ("POST", "/execution/xcoms/local__app/run-1/job/job_result"),
        ("PUT", "/execution/store/ti/01a224f9/gitlab_ci_failures"),
    ],
)
def test_what_a_running_task_says_gives_no_work(method: str, path: str):
    """Reading, heartbeats, results: nothing is to be started because of them."""
    assert not gives_work(method, path)


def test_it_is_announced_after_the_answer(tmp_path: Path):
    """The scheduler must find the commit, so the request has to be over."""
    database = tmp_path / "airflow.db"
    calls = database.with_suffix(".calls")
    seen = []

    async def application(*_: Any) -> None:
        seen.append(calls.exists())

    scope = {"type": "http", "method": "PATCH", "path": f"{TASK}/state"}
    asyncio.run(Announcing(application, database)(scope, None, None))
    seen.append(calls.exists())

    assert seen == [False, True]
