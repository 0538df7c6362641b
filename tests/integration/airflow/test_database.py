"""The database of Airflow when the stack starts: made once, cleaned of what a crash has left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.local.airflow.config import Ports, airflow_environment
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.secrets import load_secrets

SCRIPT = Path(__file__).with_name("left_open.py")


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Make a database, leave things open in it, start again, tell what has become of them."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.make()
    environment = airflow_environment(home, load_secrets(home), Ports(airflow=0, object_store=0))
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(home.path)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_new_database_has_airflows_newest_tables(left: dict[str, Any]):
    """The tables are made as `airflow db migrate` makes them: nothing is left to migrate."""
    assert left["migrated"]


def test_runs_of_a_crash_are_closed_and_say_why(left: dict[str, Any]):
    """A run whose tasks were under way has failed, with a note."""
    assert left["runs"]["dead"] == "failed"
    assert left["notes"]["dead"] == "the embedded stack ended while this pipeline ran"
    assert left["tasks"]["dead"] == {
        "ended": "success",
        "ran": "failed",
        "waited": "failed",
        "asked": "failed",
        "never": "skipped",
    }


def test_a_run_that_waits_for_a_person_goes_on(left: dict[str, Any]):
    """Nothing of it was lost: it can still be played."""
    assert left["runs"]["waiting"] == "running"
    assert left["tasks"]["waiting"] == {
        "ended": "success",
        "asked": "awaiting_input",
        "never": None,
    }


def test_questions_of_runs_that_have_ended_are_gone(left: dict[str, Any]):
    """Only what can still be answered is listed as a required action."""
    assert left["questions"] == ["waiting"]


def test_old_errors_and_components_are_forgotten(left: dict[str, Any]):
    """Files are parsed again, and Airflow waits for no component of the last stack."""
    assert left["errors"] == 0
    assert left["jobs"] == ["failed"]
