"""Which names Airflow takes for names of secrets."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.airflow_internals.secret_names import is_secret_name


@pytest.mark.parametrize(
    ("name", "secret"),
    [("DEPLOY_TOKEN", True), ("DB_PASSWORD", True), ("REGION", False), ("CI_DEBUG", False)],
)
def test_names_are_told_as_airflow_hides_its_own_values(name: str, secret: bool):
    """A contract with Airflow: its words, and those that an administrator adds."""
    assert is_secret_name(name) is secret
