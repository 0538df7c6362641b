"""Which secrets the jobs of which projects may have."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.hooks.secret_rules import KEY, refuse_unless_allowed
from gitlab_ci_provider.model.secrets import AwsSecret, VaultSecret, WantedSecret

SECRET = WantedSecret(
    name="A", source=VaultSecret(engine="kv-v2", mount="kv", key="group/app/db", field="f")
)


def allowed(projects: str, secrets: str, project: str = "group/app") -> bool:
    rule = {"projects": projects, "secrets": secrets}
    try:
        refuse_unless_allowed(SECRET, {KEY: [rule]}, project, protected=True)
    except SystemFailure:
        return False
    return True


@pytest.mark.parametrize(
    ("projects", "secrets", "expected"),
    [
        ("group/*", "kv/{project}/*", True),
        ("*", "kv/*", True),
        ("group/app", "kv/group/app/db", True),
        ("group/ap", "*", False),
        ("app", "*", False),
        ("group/app", "group/app/db", False),
        ("group/app", "kv/group/app", False),
        ("group/[a]pp", "*", False),
        ("group/app", "kv.group.app.db", False),
    ],
)
def test_patterns_match_the_whole_text(projects: str, secrets: str, expected: bool):
    """`*` is any text, everything else means itself."""
    assert allowed(projects, secrets) is expected


def test_project_in_a_pattern_is_no_pattern():
    """A project's path cannot widen the rule."""
    assert not allowed("*", "kv/{project}/db", project="group/a*")


def test_aws_secrets_go_by_their_id():
    """As the job names them."""
    secret = WantedSecret(name="A", source=AwsSecret(secret_id="app/db"))
    rule = {"projects": "*", "secrets": "app/*"}

    refuse_unless_allowed(secret, {KEY: [rule]}, "group/app", protected=True)
