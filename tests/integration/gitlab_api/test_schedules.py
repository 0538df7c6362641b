"""Pipeline schedules, read from a stand-in for GitLab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import GitlabApiError
from gitlab_ci_provider.gitlab_api.schedules import read_schedule_values, read_schedules
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.model.pipeline_schedule import PipelineSchedule
from gitlab_ci_provider.model.variables import Variable, Variables
from servers.gitlab.server import GitLab, gitlab_server

TOKEN = "glpat-0123456789"
NIGHTLY = {"id": 7, "description": "nightly", "ref": "refs/heads/main", "cron": "0 2 * * *"}


@pytest.fixture
def gitlab(tmp_path: Path) -> Iterator[GitLab]:
    """Run a GitLab with a project that has schedules."""
    with gitlab_server(tmp_path) as running:
        running.world.add_token(TOKEN, levels={"group": 30})
        project = running.world.add_project("group/app", {"README": ""})
        secret = {"key": "MODE", "value": "s3cret$X", "variable_type": "env_var", "raw": True}
        project.things["pipeline_schedules"] = [
            {**NIGHTLY, "id": 9, "cron_timezone": "Berlin", "active": True, "variables": []},
            {**NIGHTLY, "cron_timezone": "UTC", "active": True, "variables": [secret],
             "inputs": [{"name": "level", "value": "full"}]},
            {**NIGHTLY, "id": 8, "cron_timezone": "UTC", "active": False, "variables": []},
            {**NIGHTLY, "id": 10, "cron_timezone": "Atlantis", "active": True, "variables": []},
            {**NIGHTLY, "id": 11, "cron": "0 2 * * mon#", "active": True, "variables": []},
        ]  # fmt: skip
        yield running


def server(gitlab: GitLab, token: str = TOKEN) -> GitLabServer:
    return GitLabServer(url=gitlab.url, token=token, patience=0)


def test_active_schedules_are_read(gitlab: GitLab):
    """In the order of their numbers, with zones that Airflow knows, and without variables."""
    found = read_schedules(server(gitlab), "group/app")

    usual = {"ref": "refs/heads/main", "cron": "0 2 * * *", "description": "nightly"}
    assert [(one.id, one.cron_timezone) for one in found.schedules] == [
        *((7, "UTC"), (9, "Europe/Berlin")),
    ]
    assert found.schedules[0] == PipelineSchedule(id=7, **usual)
    zone, cron = found.problems
    assert zone == "the pipeline schedule 'nightly' has the unknown time zone 'Atlantis'"
    assert "'0 2 * * mon#', which Airflow does not understand" in cron
    assert "s3cret" not in repr(found)


def test_the_values_of_a_schedule_are_read(gitlab: GitLab):
    """When its pipeline is created: variables as they are, and inputs."""
    values = read_schedule_values(server(gitlab), "group/app", 7)

    assert values.variables == Variables([Variable(name="MODE", value="s3cret$X", expand=False)])
    assert values.inputs == {"level": "full"}


def test_a_schedule_that_cannot_be_read_is_an_error(gitlab: GitLab):
    """One that is gone, and a token that may not see it."""
    with pytest.raises(GitlabApiError, match="pipeline schedule 77 of group/app"):
        read_schedule_values(server(gitlab), "group/app", 77)
    with pytest.raises(GitlabApiError, match="list the pipeline schedules of group/app"):
        read_schedules(server(gitlab, ""), "group/app")
