"""The process that runs the embedded stack: it starts every part and stops them with itself.

`python -m gitlab_ci_provider.local.stack.supervisor HOME` runs until SIGTERM or SIGINT, until
nobody uses the stack any more, or until a part does not stay alive.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local.airflow import process as airflow
from gitlab_ci_provider.local.airflow.config import Ports
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes import process as processes
from gitlab_ci_provider.local.processes.ports import choose_port
from gitlab_ci_provider.local.processes.process import Process, Restarts
from gitlab_ci_provider.local.processes.steps import READY, Steps
from gitlab_ci_provider.local.secrets import StackSecrets, load_secrets
from gitlab_ci_provider.local.stack.parts import Part, parts_of_stack
from gitlab_ci_provider.local.stack.state import StackState, clear_state, write_state
from gitlab_ci_provider.local.stack.use import Idleness

AIRFLOW_PORT = 8080
OBJECT_STORE_PORT = 9100
CLUSTER_PORT = 9443

_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})
_IDLE_LOOK_SECONDS = 20
_LOCK_TRIES, _LOCK_PAUSE_SECONDS = 100, 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to start: `port` is None for 8080 or, when that is taken, any."""

    home: Home
    port: int | None = None
    runtime: str = "auto"


def run(options: Options) -> int:
    """Run the stack until told to stop; 0 when it was told to, 1 when a part failed."""
    options.home.make()
    with _only_one(options.home), ExitStack() as claims:
        clear_state(options.home)
        processes.adopt_orphans()
        steps = Steps(options.home.steps)
        steps.clear()
        stack: _Stack | None = None
        try:
            stack = _make_stack(options, claims, steps)
            stack.start()
            signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            stack.keep(Idleness(options.home))
        except StackError as problem:
            steps.write("stack", "failed", str(problem))
            _say(str(problem))
            return 1
        finally:
            clear_state(options.home)
            processes.stop(list(stack.running.values()) if stack else [])
    return 0


def _make_stack(options: Options, claims: ExitStack, steps: Steps) -> _Stack:
    home = options.home
    ports = Ports(
        airflow=choose_port(options.port or AIRFLOW_PORT, claims, must=options.port is not None),
        object_store=choose_port(OBJECT_STORE_PORT, claims),
        cluster=choose_port(CLUSTER_PORT, claims),
    )
    secrets = load_secrets(home)
    airflow.write_passwords(home, secrets)
    parts = parts_of_stack(home, secrets, ports, options.runtime, steps.started)
    return _Stack(home, steps, parts, _state(secrets, ports))


def _state(secrets: StackSecrets, ports: Ports) -> StackState:
    return StackState(
        pid=os.getpid(),
        url=f"http://127.0.0.1:{ports.airflow}",
        password=secrets.admin_password,
        object_store=f"http://127.0.0.1:{ports.object_store}",
    )


class _Stack:
    """The parts and their processes."""

    def __init__(self, home: Home, steps: Steps, parts: tuple[Part, ...], state: StackState):
        self._home = home
        self._steps = steps
        self._parts = {part.name: part for part in parts}
        self._state = state
        self._restarts = Restarts()
        self.running: dict[str, Process] = {}

    def start(self) -> None:
        """Start all parts at once and wait until the last one is ready."""
        for part in self._parts.values():
            self._steps.write(part.name, "begun")
            self.running[part.name] = part.start()
        for part in sorted(self._parts.values(), key=lambda part: part.name == "airflow"):
            processes.wait_until(part.is_ready, self.running[part.name])
            self._steps.write(part.name, "done")
        write_state(self._home, self._state)
        self._steps.write(READY, "done")

    def keep(self, idleness: Idleness) -> None:
        """Restart parts that die, until a signal comes or nobody uses the stack.

        Raises:
            StackError: a part does not stay alive.
        """
        while not idleness.is_over():
            caught = signal.sigtimedwait(_SIGNALS, _IDLE_LOOK_SECONDS)
            if caught is not None and caught.si_signo != signal.SIGCHLD:
                return
            for name, process in list(self.running.items()):
                if process.popen.poll() is not None:
                    self._restart(name, process)
        self._steps.write("stack", "done", "not used for a while")
        _say("the stack has not been used for a while: stopping")

    def _restart(self, name: str, dead: Process) -> None:
        if not self._restarts.allow(name):
            dead.check()
        _say(dead.describe_end())
        processes.end_orphans(self.running.values())
        self.running[name] = self._parts[name].start()
        self._steps.write(name, "restarted", dead.describe_end())


def _say(words: str) -> None:
    print(time.strftime("%X"), words, file=sys.stderr, flush=True)  # noqa: T201 - our own log


def _locked(file: IO[str]) -> bool:
    """Take the lock; a command that checks whether a stack runs also holds it for a moment."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(_LOCK_PAUSE_SECONDS)
        return False
    return True


@contextmanager
def _only_one(home: Home) -> Iterator[None]:
    """Hold the stack's lock.

    Raises:
        StackError: another supervisor holds it.
    """
    with home.lock.open("a+") as file:
        if not any(_locked(file) for _ in range(_LOCK_TRIES)):
            raise StackError(f"a stack already runs in {home.path}")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="gitlab_ci_provider.local.stack.supervisor")
    parser.add_argument("home", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--runtime", default="auto")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    return run(Options(home=Home(given.home), port=given.port, runtime=given.runtime))


if __name__ == "__main__":
    sys.exit(main())
