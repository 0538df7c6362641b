"""Environments are stopped when their `auto_stop_in` is over, in a real Airflow."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from e2e.embedded import Stack, make_repository
from e2e.logs import log_lines
from processes.waiting import wait_until

MAINTENANCE = Path(__file__).parents[2] / "dags" / "gitlab_ci_maintenance.py"

FILE = """
review:
  script: echo up
  environment: {name: review/x, on_stop: stop_review, auto_stop_in: 1 second}
stop_review:
  stage: deploy
  script: echo "down for $CI_ENVIRONMENT_NAME"
  when: manual
  environment: {name: review/x, action: stop}
docs:
  script: echo nothing to stop
  environment: {name: docs, auto_stop_in: 1 second}
live:
  script: echo stays
  environment: {name: live, auto_stop_in: 1 day}
"""


def test_the_maintenance_dag_stops_environments(stack: Stack, tmp_path: Path):
    """It plays the `on_stop` job in the pipeline that deployed; a second look plays nothing."""
    repository = make_repository(tmp_path / "stopping", {".gitlab-ci.yml": FILE})
    ran = stack.run(repository)
    before = states(stack, repository)
    file = stack.home.dags / MAINTENANCE.name
    shutil.copy(MAINTENANCE, file)
    asked = {"dag_id_pattern": MAINTENANCE.stem}
    wait(lambda: stack.api.request("GET", "/dags", params=asked)["total_entries"])

    look(stack)
    wait(lambda: states(stack, repository)["review/x"] == "stopped")
    wait(lambda: not stack.api.open_runs(ran["dag_id"]))
    look(stack)
    file.unlink()

    run = ran["dag_id"], ran["run_id"]
    said = log_lines(stack.api, *run, stack.api.tasks(*run)["stop_review"])
    assert before == {"docs": "available", "live": "available", "review/x": "available"}
    assert played(stack) == ["review/x"]
    assert states(stack, repository) == {**before, "docs": "stopped", "review/x": "stopped"}
    assert any("down for review/x" in line for line in said)
    assert stack.api.run_state(*run) == "success"


def states(stack: Stack, repository: Path) -> dict[str, str]:
    """Read the states of the project's environments."""
    listed = stack.command("environments", stack.address(repository), "--json").stdout
    return {one["name"]: one["state"] for one in json.loads(listed)}


def look(stack: Stack) -> None:
    """Run the maintenance DAG to its end."""
    dag = MAINTENANCE.stem
    stack.api.request("PATCH", f"/dags/{dag}", json={"is_paused": False})
    run = stack.api.trigger(dag, {})
    wait(lambda: stack.api.run_state(dag, run) in {"success", "failed"})
    task = stack.api.tasks(dag, run)["stop"]
    assert task.state == "success", "\n".join(log_lines(stack.api, dag, run, task))


def played(stack: Stack) -> list[str]:
    """List whose jobs all runs of the maintenance DAG have played; its schedule may begin one."""
    dag = MAINTENANCE.stem
    runs = [
        run["dag_run_id"] for run in stack.api.request("GET", f"/dags/{dag}/dagRuns")["dag_runs"]
    ]
    return [name for run in runs for name in stack.api.xcom(dag, run, "stop", "return_value")]


def wait(done: Callable[[], object]) -> None:
    """Wait until something holds."""
    wait_until(done, "the maintenance DAG or what it plays", pause=1)
