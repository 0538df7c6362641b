"""The environment that git gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.helper.git import Git, GitError, clean_environment


def test_nobodys_settings_count(monkeypatch: pytest.MonkeyPatch):
    """Neither GIT_ variables of the container nor the user's configuration."""
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")

    environment = clean_environment({})

    assert "GIT_DIR" not in environment
    assert environment["GIT_CONFIG_KEY_0"] == "core.hooksPath"
    assert environment["GIT_TERMINAL_PROMPT"] == "0"
    assert Path(environment["GIT_CONFIG_GLOBAL"]).read_text().count("directory = *") == 1


def test_a_failure_holds_what_git_said(tmp_path: Path):
    """Its error in the message, whatever advice follows, and all of it for those who look."""
    said: list[str] = []

    with pytest.raises(GitError, match="git log: fatal: not a git repository") as caught:
        Git(folder=tmp_path, say=said.append).run("log")

    assert caught.value.said == "\n".join(said)


def test_a_missing_git_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A helper image of one's own may lack it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SourceError, match="git is missing from the helper image"):
        Git(folder=tmp_path, say=print).run("status")
