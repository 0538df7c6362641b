"""The Airflow Variable with what GitLab keeps in a project's settings."""

from __future__ import annotations

import json

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.project_settings import parse


def test_the_defaults_are_gitlabs():
    """A project that is not named cancels redundant pipelines and orders no resource group."""
    found = parse('{"other": {"auto_cancel_pending_pipelines": "disabled"}}', "group/project")

    assert found.auto_cancel_pending_pipelines == "enabled"
    assert found.process_mode("production") == "unordered"


def test_each_resource_group_may_have_a_mode_of_its_own():
    """The others have the project's default."""
    found = parse(
        '{"p": {"resource_group_default_process_mode": "oldest_first",'
        ' "resource_groups": {"production": "newest_ready_first"}}}',
        "p",
    )

    assert found.process_mode("production") == "newest_ready_first"
    assert found.process_mode("staging") == "oldest_first"


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        '{"p": 1}',
        '{"p": {"resource_groups": {"x": "fastest"}}}',
        '{"p": {"auto_cancel": true}}',
        "",
    ],
)
def test_a_mistake_is_told(text: str):
    """The message names the Variable and the project."""
    with pytest.raises(SettingsError, match="gitlab_ci_projects is wrong for p"):
        parse(text, "p")


def test_another_projects_mistake_does_not_matter():
    """Each project reads its own part."""
    assert parse('{"q": 1, "p": {}}', "p").resource_groups == {}


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ({}, set()),
        ({"allowlist": ["group/app"]}, {"group/app"}),
        ({"groups_allowlist": ["group"]}, {"group/app", "group/app2", "group/sub/app"}),
        ({"groups_allowlist": ["group/sub"]}, {"group/sub/app"}),
        (
            {"inbound_enabled": False},
            {"group/app", "group/app2", "group/sub/app", "groups/app", "other/app"},
        ),
    ],
)
def test_projects_and_groups_may_be_let_in(scope: dict[str, object], allowed: set[str]):
    """A group stands for all projects below it, a name that only begins like it does not."""
    found = parse(json.dumps({"p": {"job_token_scope": scope}}), "p").job_token_scope
    asking = ("group/app", "group/app2", "group/sub/app", "groups/app", "other/app")

    assert {one for one in asking if found.allows(one)} == allowed
