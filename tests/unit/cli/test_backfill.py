"""What `backfill --json` tells of commits that start no pipeline, with real repositories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from gitlab_ci_provider.cli import airflow
from gitlab_ci_provider.cli.airflow import Target
from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.discovery.open_sync import open_sync
from gitlab_ci_provider.settings import home_settings
from servers.repositories import commit, make_repository


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A command about two commits, none of which compiles; no Airflow is asked for those."""
    repository = tmp_path / "shop"
    first = make_repository(repository, {".gitlab-ci.yml": "a: {stage: nowhere}\n"})
    commit(repository, {".gitlab-ci.yml": "b: {stage: nowhere}\n"}, "second")
    sync = open_sync(home_settings(tmp_path / "home"))
    target = Target(api=cast("Any", None), sync=sync, dag_files=None)
    monkeypatch.setattr(airflow, "target", lambda _: target)
    return ["backfill", str(repository), "--from", first, "--json"]


def test_each_commit_without_a_pipeline_has_a_line(
    asked: list[str], capsys: pytest.CaptureFixture[str]
):
    """A program that reads lines misses none."""
    code = main(asked)

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 1
    assert [sorted(one) for one in told] == [["error", "sha", "title"]] * 2
    assert told[1]["title"] == "second"


def test_too_many_commits_are_wrong_usage(asked: list[str], capsys: pytest.CaptureFixture[str]):
    """Said as JSON, too."""
    with pytest.raises(SystemExit) as ended:
        main([*asked, "--max", "1"])

    assert ended.value.code == 2
    assert "--max 2 allows them" in json.loads(capsys.readouterr().out)["error"]
