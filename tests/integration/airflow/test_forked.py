"""Airflow's parent process: forks the components, again when they die, and takes them along."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from gitlab_ci_provider.local.airflow.config import Ports, airflow_environment
from gitlab_ci_provider.local.airflow.process import airflow_answers, write_passwords
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.ports import choose_port
from gitlab_ci_provider.local.processes.process import Process, start, stop
from gitlab_ci_provider.local.processes.steps import read_steps
from gitlab_ci_provider.local.processes.tree import children, descendants
from gitlab_ci_provider.local.secrets import load_secrets
from processes.waiting import wait_until

SECONDS = 600
NAMES = ("api_server", "scheduler", "dag-processor", "triggerer")


class Airflow:
    """A parent with its components, and nothing else of a stack."""

    def __init__(self, home: Home, parent: Process, port: int):
        self.home, self.parent, self.port = home, parent, port

    @property
    def components(self) -> dict[str, int]:
        """The processes that the parent has forked, by name."""
        found: dict[str, int] = {}
        for pid in children(self.parent.popen.pid):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                title = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
                found |= {name: pid for name in NAMES if title.startswith(f"airflow {name}")}
        return found

    def kill(self, name: str) -> None:
        """Kill a component and wait until it was forked again."""
        before = self.components[name]
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: self.components.get(name, before) != before, name, SECONDS)


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """Start the parent, and wait until the API server answers."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.make()
    secrets = load_secrets(home)
    write_passwords(home, secrets)
    with ExitStack() as claims:
        port = choose_port(8090, claims)
        environment = airflow_environment(home, secrets, Ports(airflow=port, object_store=0))
        command = [sys.executable, "-m", "gitlab_ci_provider.local.airflow", str(home.path), "0"]
        log = home.logs / "airflow.log"
        parent = start("airflow", command, environment=environment, log=log)
        wait_until(lambda: airflow_answers(port), "the API server", SECONDS)
        yield Airflow(home, parent, port)
        stop([parent])


def restarts(airflow: Airflow) -> list[tuple[str, str]]:
    """List the components that were forked again, and why."""
    steps = read_steps(airflow.home.steps)
    return [(step.name, step.message) for step in steps if step.state == "restarted"]


@pytest.mark.parametrize("name", NAMES)
def test_a_component_that_was_killed_is_forked_again(airflow: Airflow, name: str):
    """Kill -9 ends a component, not the stack, and the steps tell of it."""
    wait_until(lambda: len(airflow.components) == len(NAMES), "all components", SECONDS)

    airflow.kill(name)

    wait_until(lambda: airflow_answers(airflow.port), "the API server", SECONDS)
    title = name.replace("_", "-")
    # The parent says so right after it has forked.
    wait_until(lambda: (title, "was killed by SIGKILL") in restarts(airflow), "the step", SECONDS)
    assert f"airflow {title} was killed by SIGKILL" in airflow.parent.tail(50)


def test_nothing_goes_on_without_the_parent(airflow: Airflow):
    """Kill -9 of the parent ends all that it has forked, and what those have forked."""
    parent = airflow.parent.popen.pid
    wait_until(lambda: len(descendants(parent)) > len(NAMES), "the triggerer's runner", SECONDS)
    below = [os.pidfd_open(pid) for pid in descendants(parent)]

    airflow.parent.popen.kill()

    for descriptor in below:
        assert select.select([descriptor], [], [], SECONDS)[0]
        os.close(descriptor)


def test_tables_that_cannot_be_made_end_the_start(tmp_path: Path):
    """The error says what failed and which file to read."""
    home = Home(tmp_path)
    home.make()
    (home.airflow / "airflow.db").write_text("no database")
    environment = airflow_environment(home, load_secrets(home), Ports(airflow=0, object_store=0))
    done = subprocess.run(
        [sys.executable, "-m", "gitlab_ci_provider.local.airflow", str(home.path), "0"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "Airflow's tables could not be made; see" in done.stderr
    assert "file is not a database" in (home.logs / "database.log").read_text()
