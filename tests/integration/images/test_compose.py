"""`docker/compose.yaml` as its page says, with Podman: a pipeline runs in it.

PostgreSQL and rclone are stand-ins for images that cannot be pulled here, Airflow is our image, and
the cluster with the jobs' pods is the embedded one. `.ci/run` leaves this out; `make images` ends
with it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from gitlab_ci_provider import __version__
from integration.cluster.support import start_cluster
from integration.images.page import Block, consoles
from integration.images.support import AIRFLOW_WANTED, ROOT, SCRIPT, build, why_not
from processes.waiting import wait_until
from servers.address import ADDRESS
from servers.git_http import git_server
from servers.repositories import make_repository

PAGE = ROOT / "docs" / "how-to" / "compose.md"
PROJECT = f"gitlab-ci-test-{os.getpid()}"
NETWORK = f"{PROJECT}_default"
DOCKER = f"""#!/usr/bin/env bash
[ "$1" = compose ] || exit 1
case $2 in
  run) set -- compose --profile commands run -T "${{@:3}}" ;;
  exec) set -- compose exec -T "${{@:3}}" ;;
esac
exec {" ".join(SCRIPT)} podman-compose --project-name {PROJECT} \\
  --file "$PWD/compose.yaml" "${{@:2}}"
"""
"""Unlike Docker, podman-compose has to be told the profile of a service, and that nobody types."""

OLD_PODMAN = """#!/usr/bin/env bash
for word; do [[ $word == --requires=* ]] || words+=("$word"); done
exec /usr/bin/podman "${words[@]}"
"""
"""Podman 4.3 cannot start what requires a container that has ended; podman-compose waits itself."""

PIPELINE = """
make: {script: [echo made >made.txt], artifacts: {paths: [made.txt]}}
use: {stage: deploy, script: [grep made made.txt]}
"""

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(AIRFLOW_WANTED not in os.environ, reason="see `make images`"),
]


@dataclass
class Stack:
    """What the compose file starts, in a folder of its own, with a reader's shell in it."""

    folder: Path
    environment: Mapping[str, str]
    url: str

    def type(self, text: str) -> str:
        return Block(f"$ cd {self.folder}\n{text}").type(self.environment)

    def password(self) -> str:
        lines = (self.folder / ".env").read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("ADMIN_PASSWORD="))

    def get(self, path: str) -> Any:
        """Ask Airflow's API; nothing while it is not there, or does not know."""
        login = {"username": "admin", "password": self.password()}
        try:
            token = requests.post(f"{self.url}/auth/token", json=login, timeout=60).json()
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            found = requests.get(f"{self.url}/api/v2/{path}", headers=headers, timeout=60)
        except requests.ConnectionError:
            return None
        return found.json() if found.ok else None


def podman(*arguments: str) -> str:
    done = subprocess.run(
        [*SCRIPT, "podman", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def gateway() -> Iterator[str]:
    """Make the network of the containers; returns the address that this machine has in it."""
    if reason := why_not():
        pytest.skip(reason)
    podman("network", "create", NETWORK)
    try:
        [network] = json.loads(podman("network", "inspect", NETWORK))
        if not network["dns_enabled"]:
            pytest.skip("containers of Podman find no other by its name: apt install aardvark-dns")
        yield network["subnets"][0]["gateway"]
    finally:
        podman("network", "rm", "--force", NETWORK)


@pytest.fixture
def stack(gateway: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Take a copy of the compose file, and a `docker compose` that is podman-compose."""
    monkeypatch.setenv(ADDRESS, gateway)
    build("airflow")
    for name in ("postgres", "rclone"):
        build(name)
    folder, programs = tmp_path / "docker", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    shutil.copy(ROOT / "docker" / "compose.yaml", folder)
    for name, text in (("docker", DOCKER), ("podman", OLD_PODMAN)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    port = free_port()
    yield Stack(folder, environment, f"http://127.0.0.1:{port}")
    subprocess.run(
        [programs / "docker", "compose", "down", "--volumes"],
        cwd=folder,
        env=environment,
        check=False,
    )


@pytest.fixture
def kubeconfig(tmp_path: Path, stack: Stack, gateway: str) -> Iterator[Path]:
    """Start the database, the store and a cluster that containers reach; say where it is."""
    s3 = free_port()
    names = {"cd docker": f"cd {stack.folder}", "http://airflow.example.com": f"http://{gateway}"}
    secrets = consoles(PAGE, names)[0]
    Block(secrets.text.replace(":9000", f":{s3}")).type(stack.environment)
    with (stack.folder / ".env").open("a") as file:
        file.write(f"AIRFLOW_PORT={stack.url.rpartition(':')[2]}\nS3_PORT={s3}\n")
        file.write("NAMESPACE=default\n")
    stack.type("$ docker compose up --detach postgres s3")  # now this machine has the address
    helper = f"gitlab-ci-helper:{__version__}={Path(sys.executable).parent}"
    cluster = start_cluster(
        tmp_path / "cluster",
        *("--host", gateway, "--runtime", "process", "--path-for-image", helper),
    )
    try:
        yield cluster.kubeconfig
    finally:
        cluster.stop()


def test_a_pipeline_runs(stack: Stack, kubeconfig: Path, tmp_path: Path):
    """What is typed on the page ends with a pipeline whose job gets another one's artifact."""
    make_repository(tmp_path / "git" / "group" / "project.git", {".gitlab-ci.yml": PIPELINE})
    assert yaml.safe_load(kubeconfig.read_text())
    with git_server(tmp_path / "git") as server:
        names = {
            "~/kubeconfig": str(kubeconfig),
            "https://git.example.com/group/project.git": server.url("group/project.git"),
        }
        _, install, start, trigger = consoles(PAGE, names)
        stack.type(install.text)
        stack.type(start.text)
        wait_until(lambda: stack.get("dags/group__project"), "the DAG", pause=1)
        stack.type(trigger.text)
        wait_until(lambda: run_state(stack) in {"success", "failed"}, "the pipeline", pause=1)

    assert run_state(stack) == "success", states(stack)
    assert {name: state for name, state in states(stack).items() if name in {"make", "use"}} == {
        "make": "success",
        "use": "success",
    }
    for service in ("api-server", "scheduler", "postgres"):
        podman("healthcheck", "run", f"{PROJECT}_{service}_1")


def run_state(stack: Stack) -> str:
    runs = (stack.get("dags/group__project/dagRuns") or {"dag_runs": []})["dag_runs"]
    return str(runs[0]["state"]) if runs else ""


def states(stack: Stack) -> dict[str, str]:
    """List the tasks of the run with their states."""
    found = stack.get("dags/group__project/dagRuns/~/taskInstances")["task_instances"]
    return {task["task_display_name"]: task["state"] for task in found}
