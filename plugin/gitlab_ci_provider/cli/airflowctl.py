"""An environment of Airflow's own command line, `airflowctl auth login`: its address and token.

It keeps the address in a file of AIRFLOW_HOME and the token in the keyring of the system.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path

from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.model.quoted import quoted

TOKEN = "AIRFLOW_CLI_TOKEN"  # noqa: S105 - the name of a variable
_SERVICE = "airflowctl"


def url_of(name: str) -> str:
    """Read the address of an environment.

    Raises:
        WrongUsage: there is no such environment.
    """
    folder = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    file = folder / f"{name}.json"
    if not name or Path(name).name != name:
        raise WrongUsage(f"--airflow-env {quoted(name)}: not a name")
    try:
        found = json.loads(file.read_text("utf-8"))["api_url"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        message = (
            f"--airflow-env {quoted(name)}: {file} has no address; use `airflowctl auth login`"
        )
        raise WrongUsage(message) from problem
    return str(found)


def token_of(name: str) -> str:
    """Read the token of an environment, from the environment or the keyring; empty if unknown."""
    if given := os.environ.get(TOKEN):
        return given
    try:
        keyring = import_module("keyring")  # installed with airflowctl
        return str(keyring.get_password(_SERVICE, f"api_token_{name}") or "")
    except Exception:  # noqa: BLE001 - a keyring fails in many ways; Airflow then refuses the login
        return ""
