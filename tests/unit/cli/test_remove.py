"""Forgetting a repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.projects import add_project
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.state import open_state
from servers.fake_airflow import Answer, answering
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


def hold(home: Home) -> Holds:
    """Hold the DAG of `local/shop` as a run does that has not ended."""
    state = open_state(Settings(home=home.data))
    digest = state.snapshots.load_dag("local__shop").digest
    assert state.holds.take("local__shop", "main-1", digest)
    return state.holds


def test_one_with_open_runs_is_kept(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The run goes on when the stack starts again, and needs its DAG."""
    add(home, tmp_path / "shop")
    hold(home)

    assert main(["remove", "local/shop"]) == 1
    assert "has runs that have not ended: main-1; wait for them" in capsys.readouterr().err
    assert dags(home) == (["local__shop"], ["local__shop"])


def test_open_runs_can_be_removed_as_well(home: Home, tmp_path: Path):
    """`--force` means it."""
    add(home, tmp_path / "shop")
    holds = hold(home)

    assert main(["remove", "local/shop", "--force"]) == 0
    assert dags(home) == ([], [])
    assert holds.runs("local__shop") == {}


def test_it_is_removed_from_another_airflow(
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """From its state, its folder of DAG files and, by its API, from its database."""
    add(home, tmp_path / "shop")
    monkeypatch.setenv("GITLAB_DAGS_AIRFLOW_TOKEN", "t")
    deleted: list[str] = []

    def respond(method: str, path: str, _body: object) -> Answer:
        if method == "DELETE":
            deleted.append(path)
        return Answer(body={"dag_runs": [], "total_entries": 0})

    with answering(respond) as url:
        without_home = ended_with(["remove", "local/shop", "--airflow-url", url])
        place = ["--home", str(home.data), "--dag-files", str(home.dags)]
        code = main(["remove", "local/shop", "--airflow-url", url, *place, "--json"])

    assert (without_home, code) == (2, 0)
    assert dags(home) == ([], [])
    assert [path.rpartition("/")[2] for path in deleted] == ["local__shop"]
    assert json.loads(capsys.readouterr().out) == {
        "status": "removed",
        "title": "local/shop",
        "dags": ["local__shop"],
    }


def test_a_home_without_an_airflow_is_wrong_usage(home: Home, tmp_path: Path):
    """Nobody means the embedded stack and names the home of another."""
    add(home, tmp_path / "shop")

    assert ended_with(["remove", "local/shop", "--home", str(tmp_path)]) == 2
    assert dags(home)[0] == ["local__shop"]


def ended_with(arguments: list[str]) -> object:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code
