"""Which repository a command means that starts pipelines in an Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from gitlab_ci_provider.cli.airflow import Target
from gitlab_ci_provider.discovery.open_sync import open_sync
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.settings import home_settings
from servers.repositories import make_repository


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """An Airflow whose folder is here, and which knows no project."""
    sync = open_sync(home_settings(tmp_path / "home"))
    return Target(api=cast("Any", None), sync=sync, dag_files=None)


@pytest.mark.parametrize("given", [".", "../shop", "https://git.example.com/shop.git"])
def test_a_folder_or_an_address_is_no_name_of_a_project(
    given: str, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """People type `.`, which is no record that the state could have."""
    shop = tmp_path / "shop"
    make_repository(shop, {".gitlab-ci.yml": "j: {script: x}"})
    monkeypatch.chdir(shop)

    assert target.url_of(given) == (given if "://" in given else shop.as_uri())


@pytest.mark.parametrize("given", ["group/none", "../gone", "/", "@dags/x", "a/../b"])
def test_what_is_neither_is_said(given: str, target: Target):
    """As a project that is not known, whatever was typed."""
    with pytest.raises(SourceError, match=r"no such directory|not a git repository"):
        target.url_of(given)
