"""What happens on a bad day: lost workers, stopped jobs, jobs that wait for a person."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from e2e.embedded import Stack, make_repository
from e2e.faulty import Kill, end_worker, kill_follower, kill_task
from e2e.logs import log_lines
from e2e.runs import end_of, raw_log, start, wait_for
from gitlab_ci_provider.local.airflow.config import Ports, airflow_environment
from gitlab_ci_provider.local.processes.tree import descendants
from gitlab_ci_provider.local.secrets import load_secrets
from gitlab_ci_provider.local.stack.state import supervisor_pid
from gitlab_ci_provider.model.names import dag_id

WAITING = """
job:
  script:
    - echo "started once"
    - for i in $(seq 200); do sleep 0.1; done
    - echo "ended once"
"""


@pytest.mark.parametrize("kill", [kill_task, end_worker])
def test_a_lost_worker_finds_its_pod_again(stack: Stack, tmp_path: Path, kill: Kill):
    """A task whose process was killed, or told to end, is tried again and follows the same pod.

    Nothing runs twice. If its worker has left the pod to the triggerer, that is killed, and no try
    is used up.
    """
    name = f"lost-{kill.__name__}".replace("_", "-")
    repository = make_repository(tmp_path / name, {".gitlab-ci.yml": WAITING})
    dag, run = start(stack, repository)
    wait_for(lambda: "started once" in raw_log(stack, dag, run, "job"))
    pods = stack.pods(repository)

    killed = kill_follower(stack, dag, run, "job", kill)
    wait_for(lambda: stack.api.run_state(dag, run) in {"success", "failed"})

    assert stack.api.run_state(dag, run) == "success"
    task = stack.api.tasks(dag, run)["job"]
    assert task.try_number == (2 if killed == "worker" else 1)
    if killed == "worker":
        assert f"found pod {pods[0]}" in "\n".join(log_lines(stack.api, dag, run, task))
    assert raw_log(stack, dag, run, "job").count("\nstarted once\n") == 1
    wait_for(lambda: stack.pods(repository) == [])


def test_stopping_a_run_deletes_its_pods(stack: Stack, tmp_path: Path):
    """Marking a run as failed stops its jobs and removes their pods and Secrets."""
    repository = make_repository(tmp_path / "stopped", {".gitlab-ci.yml": WAITING})
    dag, run = start(stack, repository)
    wait_for(lambda: "started once" in raw_log(stack, dag, run, "job"))

    stack.api.stop_run(dag, run)

    wait_for(lambda: stack.pods(repository) == [])
    assert "\nended once\n" not in raw_log(stack, dag, run, "job")


def test_a_blocking_manual_job_waits_for_a_person(stack: Stack, tmp_path: Path):
    """A manual job that may not fail blocks; where nobody can be asked the run is left waiting."""
    config = "gate: {script: 'true', when: manual, allow_failure: false}\n"
    repository = make_repository(tmp_path / "gate", {".gitlab-ci.yml": config})

    report = stack.run(repository)

    assert (report["status"], report["waits_for"]) == ("manual", ["gate"])
    assert report["jobs"]["gate"]["status"] == "manual"
    assert stack.api.run_state(report["dag_id"], report["run_id"]) == "running"
    stack.api.answer_required_action(report["dag_id"], report["run_id"], "gate")
    assert end_of(stack.api, report["dag_id"], report["run_id"]) == "success"


def test_manual_jobs_that_were_named_are_played(stack: Stack, tmp_path: Path):
    """`--manual` plays blocking and optional jobs unasked; scripts see them as manual."""
    config = """
gate: {script: echo "manual $CI_JOB_MANUAL", when: manual, allow_failure: false}
extra: {script: 'true', when: manual}
other: {script: 'true', when: manual}
"""
    repository = make_repository(tmp_path / "played", {".gitlab-ci.yml": config})

    report = stack.run(
        repository, "--manual", "gate", "--manual", "extra", "--logs-dir", str(tmp_path / "logs")
    )

    assert report["status"] == "passed"
    ended = {name: job["status"] for name, job in report["jobs"].items()}
    assert ended == {"gate": "success", "extra": "success", "other": "manual"}
    assert "manual true\n" in (tmp_path / "logs" / "gate.log").read_text()


def test_airflows_own_command_triggers_a_pipeline(stack: Stack, tmp_path: Path):
    """`airflow dags trigger` works as for any DAG, with variables in its conf."""
    config = 'job: {script: echo "given $WHAT"}\n'
    repository = make_repository(tmp_path / "trigger", {".gitlab-ci.yml": config})
    synced = stack.add(repository)
    assert synced.record is not None
    dag = dag_id(synced.record.project.path)
    stack.wait_for_dag(synced.record)
    port = int(stack.api.url.rpartition(":")[2])
    secrets = load_secrets(stack.home)
    environment = airflow_environment(stack.home, secrets, Ports(airflow=port, object_store=0))
    command = [sys.executable, "-m", "airflow", "dags", "trigger", dag, "--run-id", "mine"]
    subprocess.run(
        [*command, "--conf", '{"variables": {"WHAT": "by conf"}}'],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )

    wait_for(lambda: stack.api.run_state(dag, "mine") in {"success", "failed"})

    assert stack.api.run_state(dag, "mine") == "success"
    assert "\ngiven by conf\n" in raw_log(stack, dag, "mine", "job")


@pytest.mark.parametrize("name", ["scheduler", "triggerer", "dag-processor"])
def test_a_killed_component_costs_a_pipeline_nothing(stack: Stack, tmp_path: Path, name: str):
    """Kill -9 while a job runs: it goes on with the worker that it has, and so do later jobs."""
    config = f"{WAITING}\nlater: {{stage: deploy, script: echo}}\n"
    repository = make_repository(tmp_path / f"without-{name}", {".gitlab-ci.yml": config})
    dag, run = start(stack, repository)
    wait_for(lambda: "started once" in raw_log(stack, dag, run, "job"))

    supervisor = supervisor_pid(stack.home)
    for pid in descendants(supervisor):
        with suppress(FileNotFoundError, ProcessLookupError):  # workers come and go meanwhile
            if Path(f"/proc/{pid}/cmdline").read_text().startswith(f"airflow {name}"):
                os.kill(pid, signal.SIGKILL)
    wait_for(lambda: stack.api.run_state(dag, run) in {"success", "failed"})

    assert stack.api.run_state(dag, run) == "success"
    tasks = stack.api.tasks(dag, run)
    assert {task: tasks[task].try_number for task in ("job", "later")} == {"job": 1, "later": 1}
    assert raw_log(stack, dag, run, "job").count("\nstarted once\n") == 1
