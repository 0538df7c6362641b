"""An Airflow whose pages can be looked at: no scheduler, made-up runs, people with roles."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psutil

from processes.waiting import PATIENCE, wait_while_moving
from servers.address import free_port

TESTS = Path(__file__).parents[2]
LOG = "api-server.log"
PEOPLE = {"admin": "admin", "viewer": "viewer", "stranger": "user", "guest": "user"}
"""Roles of Airflow's simple auth manager by name; each password is the name."""


@dataclass(frozen=True)
class Pages:
    """Where the API server listens."""

    url: str

    def token(self, person: str) -> str:
        """Log a person in."""
        login = {"username": person, "password": person}
        answer = httpx.post(f"{self.url}/auth/token", json=login, timeout=PATIENCE)
        return str(answer.json()["access_token"])

    def client(self, person: str | None) -> httpx.Client:
        """Make a client that a person is logged in with; None is nobody."""
        headers = {"Authorization": f"Bearer {self.token(person)}"} if person else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE)


@contextmanager
def shared_pages(folder: Path) -> Iterator[Pages]:
    """Run the API server, once for all processes that name the same folder at the same time.

    It takes seconds to start; with pytest-xdist every worker asks for it.
    """
    folder.mkdir(exist_ok=True)
    with _locked(folder) as users:
        if not users:
            _start(folder)
        _count(folder, users + 1)
    url, number = (folder / "server").read_text().split()
    pid = int(number)
    try:
        answers, working = partial(_answers, url, pid, folder), partial(_worked, pid)
        wait_while_moving(answers, working, "an answer of the API server")
        yield Pages(url)
    finally:
        with _locked(folder) as users:
            _count(folder, users - 1)
            if users == 1:
                with suppress(ProcessLookupError):  # it ends with the process that started it
                    os.kill(pid, signal.SIGTERM)


def _start(folder: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    home = Path(tempfile.mkdtemp(dir=folder))
    environment = {**os.environ, **_settings(home, url)}
    with (folder / LOG).open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "servers.pages.serve", str(port)],
            cwd=TESTS,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    (folder / "server").write_text(f"{url} {server.pid}")


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Keep other processes out; gives how many use the server."""
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        users = folder / "users"
        yield int(users.read_text()) if users.exists() else 0


def _count(folder: Path, users: int) -> None:
    (folder / "users").write_text(str(users))


def _answers(url: str, pid: int, folder: Path) -> bool:
    """Ask; the log of one that has ended says why, and those of others may have tracebacks, too."""
    assert _runs(pid), (folder / LOG).read_text()
    try:
        return httpx.get(f"{url}/api/v2/version", timeout=60).is_success
    except httpx.HTTPError:
        return False


def _worked(pid: int) -> int:
    """Read how long it has worked, in seconds: it fills a database first."""
    with suppress(psutil.NoSuchProcess):
        return int(sum(psutil.Process(pid).cpu_times()[:2]))
    return 0


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def _settings(folder: Path, url: str) -> dict[str, str]:
    passwords = folder / "passwords.json"
    passwords.write_text("{{{}}}".format(", ".join(f'"{name}": "{name}"' for name in PEOPLE)))
    return {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db?timeout=60",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__AUTH_MANAGER": "servers.pages.narrow.NarrowAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{name}:{role}" for name, role in PEOPLE.items()
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent / "plugin"), str(TESTS)]),
    }
