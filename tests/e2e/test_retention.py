"""What pipelines have stored is deleted when its time is over, in a real Airflow."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from e2e.embedded import Stack, make_repository
from e2e.logs import log_lines
from processes.waiting import wait_until

MAINTENANCE = Path(__file__).parents[2] / "dags" / "gitlab_ci_maintenance.py"

FILE = """
short:
  script: [echo x > file, "false"]
  artifacts: {when: always, expire_in: 1 sec, paths: [file]}
long:
  script: echo y > file
  artifacts: {expire_in: 1 day, paths: [file]}
"""


def test_the_maintenance_dag_prunes(stack: Stack, tmp_path: Path):
    """As it is in `dags/`: what has expired is gone, with its index, and the rest is there."""
    if stack.place:
        pytest.skip("looks into the folder of the embedded object store")
    repository = make_repository(tmp_path / "expiring", {".gitlab-ci.yml": FILE})
    jobs = stack.run(repository)["jobs"]
    keys = {name: job["artifacts"][0]["object_key"] for name, job in jobs.items()}
    assert (stack.bucket / keys["short"]).exists()
    file = stack.home.dags / MAINTENANCE.name
    shutil.copy(MAINTENANCE, file)
    dag = MAINTENANCE.stem

    wait_until(
        lambda: stack.api.request("GET", "/dags", params={"dag_id_pattern": dag})["total_entries"],
        "the DAG",
    )
    stack.api.request("PATCH", f"/dags/{dag}", json={"is_paused": False})
    run = stack.api.trigger(dag, {})
    wait_until(lambda: stack.api.run_state(dag, run) in {"success", "failed"}, "its run", pause=1)
    file.unlink()

    task = stack.api.tasks(dag, run)["prune"]
    assert task.state == "success", "\n".join(log_lines(stack.api, dag, run, task))
    assert not (stack.bucket / keys["short"]).exists()
    assert not (stack.bucket / f"{keys['short']}.index.json").exists()
    assert (stack.bucket / keys["long"]).exists()
