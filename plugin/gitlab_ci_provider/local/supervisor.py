"""The process that runs the embedded stack: starts every part, and ends all when it ends.

`python -m gitlab_ci_provider.local.supervisor HOME` runs until SIGTERM or SIGINT, or until a part
dies.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local import airflow, processes
from gitlab_ci_provider.local.airflow_config import Ports, airflow_environment
from gitlab_ci_provider.local.cluster_process import start_cluster
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.object_store import start_object_store
from gitlab_ci_provider.local.ports import choose_port, listens
from gitlab_ci_provider.local.processes import Process
from gitlab_ci_provider.local.secrets import StackSecrets, load_secrets
from gitlab_ci_provider.local.state import StackState, clear_state, write_state
from gitlab_ci_provider.local.steps import READY, Steps

AIRFLOW_PORT = 8080
OBJECT_STORE_PORT = 9100


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to start: `port` is None for 8080 or, when that is taken, any."""

    home: Home
    port: int | None = None
    runtime: str = "auto"
    idle_minutes: float = 0


def run(options: Options) -> int:
    """Run the stack until told to stop; 0 when it was told to, 1 when a part failed."""
    options.home.make()
    with _only_one(options.home), ExitStack() as claims:
        clear_state(options.home)
        processes.adopt_orphans()
        signals = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
        started: list[Process] = []
        steps = Steps(options.home.steps)
        steps.clear()
        try:
            _start(options, claims, started, steps)
            signal.pthread_sigmask(signal.SIG_BLOCK, signals)
            _wait(started)
        except StackError as problem:
            steps.write("stack", "failed", str(problem))
            print(problem, file=sys.stderr, flush=True)  # noqa: T201 - the supervisor's own log
            return 1
        finally:
            clear_state(options.home)
            processes.stop(started)
    return 0


def _start(options: Options, claims: ExitStack, started: list[Process], steps: Steps) -> None:
    home = options.home
    ports = Ports(
        airflow=choose_port(options.port or AIRFLOW_PORT, claims, must=options.port is not None),
        object_store=choose_port(OBJECT_STORE_PORT, claims),
    )
    secrets = load_secrets(home)
    with steps.step("object store"):
        started.append(start_object_store(home, secrets, ports.object_store))
    with steps.step("cluster"):
        started.append(start_cluster(home, options.runtime))
    environment = airflow_environment(home, secrets, ports)
    airflow.write_passwords(home, secrets)
    if not airflow.database_is_ready(home):
        with steps.step("database"):
            migration = airflow.start_migration(home, environment)
            processes.wait_until(lambda: airflow.migration_is_done(home, migration), migration)
    with steps.step("airflow"):
        components = airflow.start_components(home, environment)
        started += components
        processes.wait_until(lambda: listens(ports.airflow), components[0])
    write_state(home, _state(secrets, ports))
    steps.write(READY, "done")


def _state(secrets: StackSecrets, ports: Ports) -> StackState:
    return StackState(
        pid=os.getpid(),
        url=f"http://127.0.0.1:{ports.airflow}",
        password=secrets.admin_password,
        object_store=f"http://127.0.0.1:{ports.object_store}",
    )


def _wait(started: list[Process]) -> None:
    """Sleep until a signal; a part that has ended is an error."""
    while signal.sigwait({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}) == signal.SIGCHLD:
        for process in started:
            process.check()


@contextmanager
def _only_one(home: Home) -> Iterator[None]:
    """Hold the stack's lock.

    Raises:
        StackError: another supervisor holds it.
    """
    with home.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackError(f"a stack already runs in {home.path}") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="gitlab_ci_provider.local.supervisor")
    parser.add_argument("home", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--idle-minutes", type=float, default=0)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    return run(
        Options(
            home=Home(given.home),
            port=given.port,
            runtime=given.runtime,
            idle_minutes=given.idle_minutes,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
