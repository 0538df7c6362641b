"""Who has the last word on how a run ends; see `races.py` for how the races are played."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

Ends = dict[str, Any]

PROGRAM = Path(__file__).with_name("races.py")

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    """Play every scenario fifty times; by scenario, how often runs ended in which way."""
    folder = tmp_path_factory.mktemp("airflow")
    settings = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db?timeout=60",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    done = subprocess.run(
        [sys.executable, PROGRAM, "50"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: Ends = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("scenario", ["running", "queued", "ending"])
def test_a_run_that_was_marked_as_failed_stays_failed(ends: Ends, scenario: str):
    """Whenever that happens between two of the scheduler's statements, fifty runs of fifty."""
    assert ends[scenario] == {"failed: Pipeline canceled by hand": 50}


def test_a_run_that_nobody_finished_does_not_pass(ends: Ends):
    """A `finish_pipeline` that was skipped has not said that the pipeline has passed."""
    words = "failed: Pipeline failed: finish_pipeline did not end by itself"
    assert ends["unfinished"] == {words: 3}


def test_the_note_of_a_failed_task_goes_with_the_failure(ends: Ends):
    """It says why the job failed, until the job is run again and passes."""
    assert ends["notes"] == ["Job failed: script failure: exit code 2", None]


def test_a_task_has_its_note_when_there_is_something_to_say(ends: Ends):
    """Long before the run ends; what has no words is stored all the same, and has no note."""
    failed = "Job failed: script failure: exit code 2"
    linked = f"{failed} [Environment](https://a.example.com)"
    unit = "not in this pipeline: no rule matches"
    manual = "Manual job, not played: clear this task to play it"

    assert [lint for lint, *_ in ends["written"]] == [
        None,
        failed,
        linked,
        None,  # there are no words for it
        None,  # it begins anew
        manual,
        None,
        None,
    ]
    assert {tuple(others) for _, *others in ends["written"]} == {(unit, "of a person")}


def test_a_pool_that_does_not_exist_is_said(ends: Ends):
    """Airflow never starts such a task, and says so in the scheduler's log only."""
    run, other, task = ends["pools"]

    assert run.endswith(". There is no Airflow pool 'gpu', so these wait: unit")
    assert other is None
    assert task.startswith(
        "Job waits: there is no Airflow pool 'gpu', which the job's runner names"
    )
    assert "`airflow pools set gpu SLOTS DESCRIPTION`" in task


def test_the_scheduler_plays_what_the_maintenance_dag_has_found(ends: Ends):
    """Also when the run has failed; the job and the end of its run, and no job that is at work."""
    assert ends["plays"] == [
        ["queued", "success", None, "success", None],
        ["success", "success", "running", "success", "success"],
    ]


def test_a_clear_of_a_running_task_is_counted_like_any_other(ends: Ends):
    """So a job whose worker is lost before it hears of the clear does not follow the old pod."""
    assert ends["clears"] == [["restarting", 1], [None, 1]]


def test_airflow_alone_does_not_count_it(ends: Ends):
    """When this fails, Airflow has mended it."""
    assert ends["bare clears"] == [["restarting", 0], [None, 1]]


def test_airflow_alone_overrules_the_person(ends: Ends):
    """Without our plugin, some runs end as a success: when this fails, Airflow has mended it."""
    assert ends["bare"].get("success: None", 0) > 0
