"""CI/CD variables as Airflow Variables hold them."""

from __future__ import annotations

import json

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.names import stored_variables_names
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.variables.stored import parse_stored, secret_values

# As in GitLab's API documentation, project-level CI/CD variables.
FROM_API = """[
  {"variable_type": "env_var", "key": "TEST_VARIABLE_1", "value": "TEST_1", "protected": false,
   "masked": true, "hidden": false, "raw": false, "environment_scope": "*", "description": null},
  {"variable_type": "file", "key": "TEST_VARIABLE_2", "value": "TEST_2", "protected": true,
   "masked": false, "hidden": false, "raw": true, "environment_scope": "review/*",
   "description": "What it is for"}
]"""


def test_reads_what_gitlabs_api_gives():
    """A list of GitLab's objects can be put into an Airflow Variable as it is."""
    text = FROM_API.replace('"TEST_1"', '"TEST_ONE"')

    assert parse_stored(text, "x") == (
        Variable(name="TEST_VARIABLE_1", value="TEST_ONE", masked=True),
        Variable(
            name="TEST_VARIABLE_2",
            value="TEST_2",
            file=True,
            protected=True,
            expand=False,
            environment_scope="review/*",
        ),
    )


def test_reads_names_and_values():
    """The short form is for variables without any flag."""
    assert parse_stored('{"A": "1", "B": 2}', "x") == (
        Variable(name="A", value="1"),
        Variable(name="B", value="2"),
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('[{"key": "A", "value": "top-secret"', "x: not valid JSON at line 1"),
        ('"top-secret"', "x: must be a list of variables"),
        ('["top-secret"]', "x: entry 1 must be an object with a `key`"),
        ([{"value": "top-secret"}], "x: entry 1 must be an object with a `key`"),
        ([{"key": "A-B", "value": "top-secret"}], "'A-B' can contain only letters"),
        ([{"key": "A", "value": None}], "'A' has no value: GitLab's API does not return"),
        ([{"key": "A", "value": ["top-secret"]}], "'A' must have a string as its value"),
        ([{"key": "A", "value": "top-secret", "mask": True}], "'A' has unknown keys: mask"),
        ([{"key": "A", "value": "top-secret", "masked": "yes"}], "true or false for `masked`"),
        ([{"key": "A", "value": "x", "variable_type": "env"}], "one of env_var, file"),
        ([{"key": "A", "value": "x", "environment_scope": 3}], "a string for `environment_scope`"),
        ([{"key": "A", "value": "1234567", "masked": True}], "shorter than 8 characters"),
        ([{"key": "A", "value": "1"}, {"key": "A", "value": "2"}], "'A' is defined twice"),
    ],
)
def test_what_gitlab_would_not_keep_is_refused(data: object, message: str):
    """The message names place and key, never a value."""
    text = data if isinstance(data, str) else json.dumps(data)

    with pytest.raises(SettingsError) as problem:
        parse_stored(text, "x")

    assert message in str(problem.value)
    assert "top-secret" not in str(problem.value)
    assert problem.value.__cause__ is None


def test_masked_and_hidden_values_are_secret():
    """Of every level, whether they apply to a job or not."""
    hidden = parse_stored('[{"key": "A", "value": "12345678", "hidden": true}]', "x")
    masked = parse_stored('[{"key": "A", "value": "abcdefgh", "masked": true}]', "x")
    plain = (Variable(name="B", value="plain"),)

    configured = ConfiguredVariables(instance=plain, groups=(hidden,), project=masked)

    assert secret_values(configured) == ("12345678", "abcdefgh")


def test_each_level_has_an_airflow_variable_of_its_own():
    """The instance, the groups from the outside, the project."""
    assert stored_variables_names("group/sub/project") == (
        "gitlab_ci_secret_variables",
        "gitlab_ci_secret_variables__group",
        "gitlab_ci_secret_variables__group__sub",
        "gitlab_ci_secret_variables__group__sub__project",
    )
