"""Airflow in the embedded stack: one process of the supervisor, which forks all others."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Mapping

from gitlab_ci_provider.local.airflow.config import ADMIN
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.ports import LOOPBACK, listens
from gitlab_ci_provider.local.processes.process import Process, start
from gitlab_ci_provider.local.secrets import StackSecrets

_ANSWER_SECONDS = 60
_READY_PATHS = ("/execution/health", "/api/v2/monitor/health")


def write_passwords(home: Home, secrets: StackSecrets) -> None:
    """Give the simple auth manager the admin's password instead of letting it make one."""
    path = home.airflow / "passwords.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({ADMIN: secrets.admin_password}))


def start_airflow(home: Home, environment: Mapping[str, str], started: float) -> Process:
    """Start all of Airflow; `started` is when the start of the stack began, see `steps.py`."""
    command = [sys.executable, "-m", "gitlab_ci_provider.local.airflow"]
    command += [str(home.path), str(started)]
    log = home.logs / "airflow.log"
    return start("airflow", command, environment=environment, log=log)


def airflow_answers(port: int) -> bool:
    """Return whether the API server answers, the execution API and the database included."""
    return listens(port) and all(_answers(port, path) for path in _READY_PATHS)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
