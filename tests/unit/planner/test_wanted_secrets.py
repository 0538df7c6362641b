"""Where the values of `secrets:` are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from factories import JOB, make_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.secrets import VaultSecret, WantedSecret
from gitlab_ci_provider.planner.secrets import wanted_secrets


def wanted(secret: Any, **variables: str) -> WantedSecret:
    job = replace(JOB, as_written={"secrets": {"A": secret}})
    (found,) = wanted_secrets(job, make_variables(**variables))
    return found


@pytest.mark.parametrize(
    ("text", "mount", "path", "field"),
    [
        ("production/db/password@ops", "ops", "production/db", "password"),
        ("production/db/password", "kv-v2", "production/db", "password"),
        ("a@b/c@ops/team", "ops/team", "a@b", "c"),
    ],
)
def test_a_string_is_path_field_and_mount(text: str, mount: str, path: str, field: str):
    """As GitLab cuts it; the engine is kv-v2."""
    source = wanted({"vault": text}).source

    assert source == VaultSecret(engine="kv-v2", mount=mount, key=path, field=field)


def test_a_secret_is_a_file_by_default():
    """Only `file: false` makes it a value."""
    assert wanted({"vault": "a/b"}).file
    assert wanted({"vault": "a/b", "file": None}).file
    assert not wanted({"vault": "a/b", "file": False}).file


@pytest.mark.parametrize(
    "path", ["a/../b/c", "./a/b", "a//b/c", "a%2e/b", "a?x=1/b", "a#/b", "a\n/b"]
)
def test_a_path_means_what_it_says(path: str):
    """Rules compare paths as text, so none may lead elsewhere; variables are read first."""
    with pytest.raises(SystemFailure, match="not a path of Vault"):
        wanted({"vault": "$PLACE@ops"}, PLACE=path)


def test_an_unknown_engine_is_named():
    """The runner has three."""
    engine = {"name": "pki", "path": "pki"}
    with pytest.raises(SystemFailure, match="the engine 'pki' is not one of kv-v2"):
        wanted({"vault": {"engine": engine, "path": "a", "field": "b"}})


def test_another_provider_is_refused():
    """In words, before anything is asked."""
    with pytest.raises(SystemFailure, match="secrets:A: this secrets provider is not supported"):
        wanted({"akeyless": {"name": "a"}})
