"""Airflow's processes in the embedded stack."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from gitlab_ci_provider.local.airflow_config import ADMIN
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes import Process, start
from gitlab_ci_provider.local.secrets import StackSecrets

_COMPONENTS = {
    "api-server": ["gitlab_ci_provider.local.api_server"],
    # Without its log server: that one listens on every address, and the logs are on this machine.
    "scheduler": ["airflow", "scheduler", "--skip-serve-logs"],
    "dag-processor": ["airflow", "dag-processor"],
    "triggerer": ["airflow", "triggerer", "--skip-serve-logs"],
}


def database_is_ready(home: Home) -> bool:
    """Tell whether this Airflow version has made its tables."""
    return _marker(home).exists()


def start_migration(home: Home, environment: Mapping[str, str]) -> Process:
    """Begin to make Airflow's tables.

    WAL mode, set on the empty file, lets the processes read while one writes.
    """
    with sqlite3.connect(home.airflow / "airflow.db") as database:
        database.execute("PRAGMA journal_mode=WAL")
    return _start("db migrate", ["airflow", "db", "migrate"], home, environment)


def migration_is_done(home: Home, process: Process) -> bool:
    """Tell whether the tables are made, and remember it."""
    if process.popen.poll() != 0:
        return False
    _marker(home).touch()
    return True


def write_passwords(home: Home, secrets: StackSecrets) -> None:
    """Give the simple auth manager the admin's password instead of letting it make one."""
    path = home.airflow / "passwords.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({ADMIN: secrets.admin_password}))


def start_components(home: Home, environment: Mapping[str, str]) -> list[Process]:
    """Start all of Airflow."""
    return [_start(name, arguments, home, environment) for name, arguments in _COMPONENTS.items()]


def _start(name: str, arguments: list[str], home: Home, environment: Mapping[str, str]) -> Process:
    """Start a module, the first argument, as a program."""
    command = [sys.executable, "-m", *arguments]
    log = home.logs / f"{name.replace(' ', '-')}.log"
    return start(f"airflow {name}", command, environment=environment, log=log)


def _marker(home: Home) -> Path:
    return home.airflow / f".tables-{version('apache-airflow-core')}"
