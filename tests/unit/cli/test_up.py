"""`gitlab-dags up` with repositories that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.local.home import Home


def test_no_stack_is_started_for_repositories_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A mistyped path is said at once, to people and to programs."""
    home = Home(tmp_path / "home")
    monkeypatch.setenv("GITLAB_DAGS_HOME", str(home.path))

    code = main(["up", str(tmp_path / "none"), "--json"])

    shown = capsys.readouterr()
    assert code == 1
    assert "no such directory" in shown.err
    assert "no such directory" in json.loads(shown.out)["error"]
    assert not home.steps.exists()
