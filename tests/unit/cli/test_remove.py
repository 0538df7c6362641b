"""Forgetting a repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.projects import add_project
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from servers.repositories import make_repository


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("GITLAB_DAGS_HOME", str(tmp_path / "home"))
    home = Home(tmp_path / "home")
    home.make()
    return home


def add(home: Home, folder: Path, config: str = "job: {script: 'true'}\n") -> Path:
    make_repository(folder, {".gitlab-ci.yml": config})
    add_project(home, str(folder))
    return folder


def dags(home: Home) -> tuple[list[str], list[str]]:
    store = open_state(Settings(home=home.data)).snapshots
    return store.dags(), sorted(path.stem for path in home.dags.glob("*.py"))


@pytest.mark.parametrize("name", ["{folder}", "local/shop", "local__shop", "file://{folder}"])
def test_a_repository_is_removed_by_any_of_its_names(home: Home, tmp_path: Path, name: str):
    """Its DAG goes, those of others stay."""
    folder = add(home, tmp_path / "shop")
    add(home, tmp_path / "shopping")

    assert main(["remove", name.format(folder=folder)]) == 0
    assert dags(home) == (["local__shopping"], ["local__shopping"])


def test_one_that_never_compiled_is_removed(home: Home, tmp_path: Path):
    """It has a record and no DAG."""
    folder = add(home, tmp_path / "broken", "job: {scrip: 1}\n")

    assert main(["remove", str(folder)]) == 0
    assert dags(home) == ([], [])


def test_an_unknown_one_is_answered_with_what_was_meant(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Nothing is removed."""
    add(home, tmp_path / "shop")

    assert main(["remove", "local/shpo"]) == 1
    assert "did you mean 'local/shop'?" in capsys.readouterr().err
    assert dags(home)[0] == ["local__shop"]
