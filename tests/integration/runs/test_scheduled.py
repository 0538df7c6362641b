"""Pipeline schedules, from a stand-in for GitLab to the form of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factories import make_run
from gitlab_ci_provider.discovery.sync import Sync
from gitlab_ci_provider.exceptions import ConfigError, GitlabApiError
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.git_login import TOKEN_USER, GitLogin
from gitlab_ci_provider.runs.create.scheduled import schedule_conf, with_schedule
from gitlab_ci_provider.runs.form import RunForm
from gitlab_ci_provider.runs.schedule_values import with_schedule_variables
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from servers.gitlab.faults import Fault
from servers.gitlab.server import GitLab, gitlab_server
from unit.runs.support import make_task

TOKEN = "glpat-0123456789"
CONFIG = {".gitlab-ci.yml": "test: {script: 'true'}\n"}
SCHEDULE_VARIABLE = {"key": "MODE", "value": "s3cret", "variable_type": "env_var", "raw": False}
SCHEDULE = {
    "id": 7,
    "description": "nightly",
    "ref": "refs/heads/topic",
    "cron": "0 2 * * *",
    "cron_timezone": "Berlin",
    "active": True,
    "variables": [SCHEDULE_VARIABLE],
}


@pytest.fixture
def gitlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLab]:
    """Run a GitLab with a project that has a schedule, and connect to it."""
    with gitlab_server(tmp_path / "gitlab") as running:
        running.world.add_token(TOKEN, levels={"group": 40})
        project = running.world.add_project("group/app", CONFIG)
        project.things["pipeline_schedules"] = [dict(SCHEDULE)]
        connection = {"conn_type": "gitlab", "host": running.url, "password": TOKEN}
        monkeypatch.setenv("AIRFLOW_CONN_GITLAB_CI_GIT", json.dumps(connection))
        yield running


def sync(gitlab: GitLab, settings: Settings) -> tuple[DagRecord, list[str]]:
    """Sync the project; return its record and what was said."""
    server = GitLabServer(url=gitlab.url, token=TOKEN, patience=0)
    made = Sync(
        open_state(settings),
        settings.mirrors,
        logins=lambda _: GitLogin(username=TOKEN_USER, password=TOKEN),
        gitlab=lambda _: server,
    )
    result = made.one(f"{gitlab.url}/group/app.git")
    assert result.record is not None
    return result.record, [str(found) for found in result.diagnostics]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Use a state in a folder."""
    return Settings(home=tmp_path / "home")


def task(settings: Settings, run_type: str, date: datetime | None = None, conf: Any = None) -> Any:
    run = SimpleNamespace(run_type=run_type, logical_date=date, conf=conf or {})
    return make_task(settings, {"dag_run": run})


def date(number: int) -> datetime:
    return datetime(2026, 1, 2, 1, 0, 0, number, tzinfo=UTC)


def test_a_scheduled_run_is_for_the_ref_and_variables_of_its_schedule(
    gitlab: GitLab, settings: Settings
):
    """Variables are read when the run starts: the state never has them."""
    record, _ = sync(gitlab, settings)
    assert [(one.id, one.cron_timezone) for one in record.schedules] == [(7, "Europe/Berlin")]

    form = with_schedule(task(settings, "scheduled", date(7)), record, RunForm(ref="main"))

    assert (form.ref, form.source, form.schedule) == ("refs/heads/topic", "schedule", "nightly")
    assert (form.variables.as_dict(), form.schedule_id) == ({"MODE": "s3cret"}, 7)
    stored = [path.read_bytes() for path in settings.state.rglob("*") if path.is_file()]
    assert not any(b"s3cret" in data for data in stored)


def test_jobs_read_the_variables_of_the_schedule_again(gitlab: GitLab, settings: Settings):
    """As they are when the job starts; without a schedule, GitLab is not asked."""
    record, _ = sync(gitlab, settings)
    run = make_run(project=record.project, schedule_id=7)
    schedule = gitlab.world.projects["group/app"].things["pipeline_schedules"][0]
    schedule["variables"] = [{**SCHEDULE_VARIABLE, "value": "newer"}]
    gitlab.requests.clear()

    assert with_schedule_variables(run, settings).variables.as_dict() == {"MODE": "newer"}
    assert len(gitlab.requests) == 1
    plain = replace(run, schedule_id=0)
    assert with_schedule_variables(plain, settings) is plain
    assert len(gitlab.requests) == 1


def test_a_job_does_not_run_without_the_variables_of_its_schedule(
    gitlab: GitLab, settings: Settings
):
    """It says which schedule GitLab does not know any more."""
    record, _ = sync(gitlab, settings)
    run = make_run(project=record.project, schedule_id=7)
    gitlab.world.projects["group/app"].things["pipeline_schedules"] = []

    with pytest.raises(GitlabApiError, match="variables of the pipeline schedule 7 of group/app"):
        with_schedule_variables(run, settings)


def test_a_run_that_was_moved_is_still_that_of_its_schedule(gitlab: GitLab, settings: Settings):
    """Its conf names the schedule, not the variables; the ref is the one that was found."""
    record, _ = sync(gitlab, settings)
    named = schedule_conf(task(settings, "scheduled", date(7)), record)
    conf = {"schedule": named, "moved_from": {"dag": "d", "run": "r"}}

    moved = task(settings, "operator_triggered", conf=conf)
    form = with_schedule(moved, record, RunForm(ref="topic", source="schedule"))

    assert "s3cret" not in str(conf)
    assert (form.ref, form.schedule) == ("topic", "nightly")
    assert form.variables.as_dict() == {"MODE": "s3cret"}


@pytest.mark.parametrize("run_type", ["manual", "operator_triggered", "backfill"])
def test_nobody_gets_the_variables_by_asking(gitlab: GitLab, settings: Settings, run_type: str):
    """What a person writes into a run's conf does not name a schedule."""
    record, _ = sync(gitlab, settings)
    conf = {"schedule": {"id": 7, "ref": "main", "description": "x"}}
    if run_type != "operator_triggered":
        conf["moved_from"] = {}

    form = with_schedule(task(settings, run_type, conf=conf), record, RunForm(ref="main"))

    assert form == RunForm(ref="main")


def test_a_schedule_that_is_gone_starts_no_pipeline(gitlab: GitLab, settings: Settings):
    """Whether the DAG knows that already, or only GitLab."""
    record, _ = sync(gitlab, settings)

    with pytest.raises(ConfigError, match="no longer there"):
        with_schedule(task(settings, "scheduled", date(8)), record, RunForm())
    gitlab.world.projects["group/app"].things["pipeline_schedules"] = []
    with pytest.raises(GitlabApiError, match="pipeline schedule 7 of group/app"):
        with_schedule(task(settings, "scheduled", date(7)), record, RunForm())


def test_a_project_keeps_its_schedules_while_gitlab_does_not_answer(
    gitlab: GitLab, settings: Settings
):
    """The sync says so; one that GitLab has deactivated is gone after the next sync."""
    before, _ = sync(gitlab, settings)
    gitlab.faults.order(Fault("GET /api/v4/projects/group%2Fapp/pipeline_schedules", status=500))

    record, said = sync(gitlab, settings)

    assert record.schedules == before.schedules
    assert "cannot list the pipeline schedules of group/app" in "".join(said)
    gitlab.faults.clear()
    gitlab.world.projects["group/app"].things["pipeline_schedules"][0]["active"] = False
    assert sync(gitlab, settings)[0].schedules == ()
