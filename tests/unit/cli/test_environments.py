"""`gitlab-dags environments`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.environment import Deployment, EnvironmentRecord, EnvironmentState
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.records.environments import EnvironmentChange
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state

DEPLOYMENT = Deployment(
    iid=3,
    environment="production",
    ref="main",
    sha="abcdef0123",
    pipeline=1,
    job="deploy",
    finished_at="2026-01-31T12:00:00+00:00",
    user="ann",
)


def replacing(record: EnvironmentRecord) -> EnvironmentChange:
    """Make a change that stores a record whatever was there."""
    return lambda _: record


def make(home: Path) -> None:
    """Keep two environments of a project."""
    store = open_state(Settings(home=home)).environments
    production = EnvironmentRecord(
        name="production",
        slug="production",
        tier="production",
        url="https://example.com",
        deployment=DEPLOYMENT,
    )
    review = EnvironmentRecord(
        name="review/a", slug="review-a", tier="development", state=EnvironmentState.STOPPED
    )
    for record in (production, review):
        store.change("group/project", record.name, replacing(record))


def test_lists_what_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A line each, the last deployment with its commit, its pipeline and who made it."""
    make(tmp_path)

    code = main(["environments", "group/project", "--home", str(tmp_path)])

    deployed = "main@abcdef01  #1        ann  2026-01-31 12:00"
    heading, first, second = capsys.readouterr().out.splitlines()
    assert code == 0
    assert heading.split()[:5] == ["ENVIRONMENT", "STATE", "TIER", "DEPLOYED", "PIPELINE"]
    assert first.split("  ")[0] == "production"
    assert f"{deployed}  https://example.com" in first
    assert second.split() == ["review/a", "stopped", "development", *6 * "-"]


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """All that is known of each."""
    make(tmp_path)

    main(["environments", "group/project", "--home", str(tmp_path), "--json"])

    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == ["production", "review/a"]
    assert listed[0]["deployment"]["iid"] == 3


def test_none_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A project that was never deployed here, or is called otherwise."""
    assert main(["environments", "group/project", "--home", str(tmp_path)]) == 1
    assert "no environments of group/project" in capsys.readouterr().err


def test_a_folder_stands_for_its_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """As with the other commands, a repository may be named by where it is."""
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    (tmp_path / "shop" / "src").mkdir()
    monkeypatch.chdir(tmp_path / "shop" / "src")

    assert main(["environments", "..", "--home", str(tmp_path)]) == 1
    assert "no environments of .." in capsys.readouterr().err

    store = open_state(Settings(home=tmp_path)).environments
    live = EnvironmentRecord(name="live", slug="live", tier="production")
    store.change("local/shop", "live", replacing(live))
    assert main(["environments", ".", "--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("live")


def test_a_second_folder_of_the_same_name_has_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Its project has another path, which only the state knows."""
    home, folder = tmp_path / "home", tmp_path / "second" / "shop"
    (folder / ".git").mkdir(parents=True)
    project = Project(path="local/shop-2", clone_url=folder.as_uri())
    state = open_state(Settings(home=home))
    ref = Ref(name="main", sha="")
    state.holds.replace(
        DagRecord(dag_id="local__shop-2", project=project, ref=ref, title=project.path)
    )
    for path in ("local/shop", project.path):
        record = EnvironmentRecord(name=f"of {path}", slug="a", tier="other")
        state.environments.change(path, record.name, replacing(record))

    main(["environments", str(folder), "--home", str(home)])

    listed = capsys.readouterr().out
    assert ("of local/shop-2" in listed, "of local/shop " in listed) == (True, False)
