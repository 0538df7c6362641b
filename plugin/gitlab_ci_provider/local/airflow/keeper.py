"""Keeps Airflow's components running: forks those again that end."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass, field

from gitlab_ci_provider.local.airflow import components
from gitlab_ci_provider.local.airflow.fork import fork
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.process import Restarts, open_log, tail
from gitlab_ci_provider.local.processes.steps import Steps


@dataclass(slots=True)
class Keeper:
    """Starts components and starts them again."""

    home: Home
    steps: Steps
    _running: dict[int, str] = field(default_factory=dict)
    _restarts: Restarts = field(default_factory=Restarts)

    def start(self, name: str) -> None:
        """Fork a component that is started for the first time."""
        open_log(self.home.logs / f"{name}.log").close()
        self._fork(name)
        self.steps.write(name, "begun")

    def keep(self) -> None:
        """Wait for processes that end, forever; fork a component that has ended again.

        Raises:
            SystemExit: a component does not stay alive.
        """
        while True:
            pid, status = os.wait()
            name = self._running.pop(pid, None)
            if name is not None:  # otherwise it was a worker whose scheduler has died
                self._start_again(name, status)

    def _start_again(self, name: str, status: int) -> None:
        how = how_it_ended(status)
        end = tail(self.home.logs / f"{name}.log")
        sys.stderr.write(
            f"{time.strftime('%X')} airflow {name} {how}; the end of its log:\n{end}\n"
        )
        sys.stderr.flush()
        if not self._restarts.allow(name):
            sys.exit(f"airflow {name} does not stay alive")
        self._fork(name)
        self.steps.write(name, "restarted", how)

    def _fork(self, name: str) -> None:
        log = self.home.logs / f"{name}.log"
        self._running[fork(lambda: components.run(name), log=log)] = name


def how_it_ended(status: int) -> str:
    """Describe how a process ended, from the status that the kernel gives."""
    code = os.waitstatus_to_exitcode(status)
    return f"ended with code {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"
