"""A pipeline whose variables come from GitLab, and which GitLab is told about."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from e2e.embedded import Stack
from e2e.runs import end_of, raw_log
from gitlab_ci_provider.local.projects import add_project
from gitlab_ci_provider.model.run_address import page_path
from servers.gitlab.server import GitLab, gitlab_server

PATH = "shop/site"
CONFIG = """
stages: [test, deploy]
use:
  stage: test
  script:
    - echo "token $TOKEN region $REGION level $LEVEL guarded ${GUARDED:-nobody}"
    - echo "length ${#TOKEN} url ${URL:-none}"
    - 'echo "coverage: 81.5 %"'
  coverage: '/coverage: (\\d+\\.\\d+)/'
ruled: {stage: test, script: 'true', rules: [{if: $REGION == "eu-1"}]}
absent: {stage: test, script: 'true', rules: [{if: $REGION == "us-1"}]}
shaky: {stage: test, script: exit 3, allow_failure: true}
scoped:
  stage: deploy
  environment: {name: review/a, url: "https://review.example.com"}
  script: echo "url $URL"
stays: {stage: deploy, script: 'true', when: manual}
"""


@pytest.fixture
def gitlab(tmp_path: Path, stack: Stack) -> Iterator[GitLab]:
    """A GitLab with a project, and the stack's connection to it."""
    with gitlab_server(tmp_path / "gitlab") as running:
        world, token = running.world, secrets.token_urlsafe(24)
        world.add_project(PATH, {".gitlab-ci.yml": CONFIG}, visibility="public")
        world.add_token(token, levels={"shop": 50})
        extra = {"variables": "project and groups", "report": "jobs", "repositories": "api"}
        body = {"connection_id": "gitlab_default", "conn_type": "gitlab", "host": running.url}
        body |= {"password": token, "extra": json.dumps(extra)}
        stack.api.request("POST", "/connections", json=body)
        yield running
        stack.api.request("DELETE", "/connections/gitlab_default")


def variable(key: str, value: str, **given: Any) -> dict[str, Any]:
    return {"key": key, "value": value, "environment_scope": "*", **given}


def define(gitlab: GitLab, token: str) -> None:
    """Give the group and the project variables."""
    group = gitlab.world.groups["shop"]
    group.things["variables"] = [variable("REGION", "eu-1"), variable("LEVEL", "group")]
    gitlab.world.projects[PATH].things["variables"] = [
        variable("TOKEN", token, masked=True),
        variable("LEVEL", "project"),
        variable("GUARDED", "guard", protected=True),
        variable("URL", "of-review", environment_scope="review/*"),
    ]


def files_with(folder: Path, value: str) -> list[Path]:
    found = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):  # the stack is at work there
            found += [path] if value.encode() in path.read_bytes() else []
    return found


def test_variables_come_from_gitlab_and_results_go_back(stack: Stack, gitlab: GitLab):
    """Rules and jobs have GitLab's variables, no record does; commit statuses say how it went."""
    token, project = secrets.token_urlsafe(24), gitlab.world.projects[PATH]
    define(gitlab, token)
    record = add_project(stack.home, f"{gitlab.url}/{PATH}.git").record
    assert record is not None
    stack.wait_for_dag(record)
    gitlab.requests.clear()

    run = stack.api.trigger(record.dag_id, {})

    assert end_of(stack.api, record.dag_id, run) == "success"
    sha = record.ref.sha
    assert any(f"/repository/commits/{sha}" in asked for asked in gitlab.requests), "by git"
    log = raw_log(stack, record.dag_id, run, "use")
    assert "token [MASKED] region eu-1 level project guarded guard" in log
    assert f"length {len(token)} url none" in log
    assert "url of-review" in raw_log(stack, record.dag_id, run, "scoped")
    statuses = {one["name"]: one for one in project.things["statuses"]}
    assert {name: one["status"] for name, one in statuses.items()} == {
        "Airflow": "success",
        "use": "success",
        "ruled": "success",
        "shaky": "success",
        "scoped": "success",
        "stays": "skipped",
    }
    assert len(statuses) == len(project.things["statuses"])
    assert statuses["use"]["coverage"] == 81.5
    assert statuses["shaky"]["description"].startswith("failed, but is allowed to")
    assert statuses["use"]["target_url"].endswith(f"/{page_path(record.dag_id, run, 'use')}")
    assert [one["environment"]["name"] for one in project.things["deployments"]] == ["review/a"]
    assert files_with(stack.home.data, token) == []
    xcom = stack.api.xcom(record.dag_id, run, "create_pipeline", "pipeline")
    assert token not in json.dumps(xcom)
