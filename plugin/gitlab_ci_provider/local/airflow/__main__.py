"""Airflow's parent process: imports Airflow once, forks its components, and restarts them.

`python -m gitlab_ci_provider.local.airflow HOME STARTED` runs until SIGTERM. Started by the
supervisor, which gives Airflow's configuration in the environment.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from pathlib import Path

from gitlab_ci_provider.airflow_internals import startup
from gitlab_ci_provider.executors.preload import preload
from gitlab_ci_provider.local.airflow.fork import fork
from gitlab_ci_provider.local.airflow.keeper import Keeper
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.process import adopt_orphans
from gitlab_ci_provider.local.processes.steps import READY, Steps, read_steps


def main() -> int:
    """Run Airflow."""
    home, started = Home(Path(sys.argv[1])), float(sys.argv[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    steps = Steps(home.steps, started)
    adopt_orphans()
    keeper = Keeper(home, steps)
    gc.disable()
    with steps.step("importing Airflow"):
        startup.import_airflow()
    database = fork(lambda: _prepare(home), log=home.logs / "database.log")
    keeper.start("api-server")
    with steps.step("importing the operators"):
        preload()
        for name in ("executor", "dag_processor", "task_watch", "triggerer"):
            importlib.import_module(f"gitlab_ci_provider.local.airflow.{name}")
    with steps.step("database"):
        _wait_for_database(database, home)
    gc.enable()
    gc.freeze()
    for name in ("scheduler", "dag-processor", "triggerer"):
        keeper.start(name)
    keeper.keep()
    return 0


def _prepare(home: Home) -> None:
    from gitlab_ci_provider.local.airflow import database

    again = any(step.name == READY for step in read_steps(home.steps))
    database.prepare(home, again=again)


def _wait_for_database(pid: int, home: Home) -> None:
    _, status = os.waitpid(pid, 0)
    if status:
        sys.exit(f"Airflow's tables could not be made; see {home.logs / 'database.log'}")


if __name__ == "__main__":
    sys.exit(main())
