"""What the documentation gives to Airflow's own command, Airflow takes, and so do we."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from e2e.doc_commands import PAGES, ROOT, commands
from gitlab_ci_provider.hooks import project_settings

pytestmark = pytest.mark.integration

SHOWN = [
    (str(page.relative_to(ROOT)), command)
    for page in PAGES
    for command in commands(page)
    if command.startswith("airflow ")
]
TYPES = {"aws", "docker", "generic", "gitlab", "gitlab_ci_s3", "kubernetes"}
FILES = {
    "variables.json": '[{"key": "TOKEN", "value": "secret", "masked": true}]',
    "runners.yml": "runners: [{name: shared}]",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """What each command has left in Airflow's database."""
    folder = tmp_path_factory.mktemp("documented")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    asked = json.dumps([_arguments(command, folder) for _, command in SHOWN])
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
        "AIRFLOW__DATABASE__CHECK_MIGRATIONS": "False",
    }
    program = Path(__file__).with_name("documented.py")
    done = subprocess.run(
        [sys.executable, str(program)],
        input=asked,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(SHOWN, json.loads(done.stdout.splitlines()[-1]), strict=True))


def _arguments(command: str, folder: Path) -> list[str]:
    """Have a shell read a command, as a reader does."""
    said = subprocess.run(
        ["bash", "-c", f"airflow() {{ printf '%s\\0' \"$@\"; }}\n{command}"],
        cwd=folder,
        env={**os.environ, "TOKEN": "glpat-of-a-person"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return said.split("\0")[:-1]


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: f"{shown[0]}: {shown[1][:50]}")
def test_airflow_takes_what_is_shown(
    shown: tuple[str, str], results: dict[tuple[str, str], dict[str, Any]]
):
    """Its options and values; what it then has is what the page speaks of, and can be read."""
    _, kind, verb, name = [*shown[1].split(), ""][:4]
    left = results[shown]

    assert list(left.get(kind, {})) == ([name] if verb in {"add", "set"} else [])
    for connection in left.get("connections", {}).values():
        assert connection["type"] in TYPES
    for value in left.get("variables", {}).values():
        if name == project_settings.VARIABLE:
            project_settings.parse(value, "group/project")
