"""The example of a hand-written DAG that keeps files, in a real Airflow."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.embedded import Stack
from e2e.logs import log_lines
from processes.waiting import wait_until

EXAMPLE = Path(__file__).parents[2] / "dags" / "examples" / "keep_files" / "keep_files.py"
DAG = EXAMPLE.stem


@pytest.fixture
def run_example(stack: Stack, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Run the example for a ref; returns the run's ID."""
    file = stack.home.dags / EXAMPLE.name
    shutil.copy(EXAMPLE, file)
    wait_until(
        lambda: stack.api.request("GET", "/dags", params={"dag_id_pattern": DAG})["total_entries"],
        "the DAG",
    )
    stack.api.request("PATCH", f"/dags/{DAG}", json={"is_paused": False})

    def run(ref: str) -> str:
        started = stack.api.trigger(DAG, {"folder": str(tmp_path / "builds"), "ref": ref})
        wait_until(
            lambda: stack.api.run_state(DAG, started) in {"success", "failed"}, "the run", pause=1
        )
        tasks = stack.api.tasks(DAG, started).values()
        logs = [line for task in tasks for line in log_lines(stack.api, DAG, started, task)]
        assert stack.api.run_state(DAG, started) == "success", "\n".join(logs)
        return started

    yield run
    file.unlink()


def test_the_example_keeps_files(stack: Stack, run_example: Callable[[str], str]):
    """By templates: the next run finds the cache, by a fallback; the asset says what was kept."""
    first, second = run_example("main"), run_example("topic")

    assert stack.api.xcom(DAG, first, "publish", "return_value") == "build 1"
    assert stack.api.xcom(DAG, second, "publish", "return_value") == "build 2"
    assert stack.api.xcom(DAG, second, "restore", "return_value")["key"] == "main"
    events = stack.api.request("GET", "/assets/events", params={"source_dag_id": DAG})
    kept = stack.api.xcom(DAG, second, "upload", "return_value")
    assert kept in [event["extra"] for event in events["asset_events"]]
