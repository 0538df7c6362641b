"""A repository on branch `trunk` with a tag, and a mirror of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.sources.git import Mirror
from servers.repositories import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one file, which is not text."""
    path = tmp_path / "repository"
    path.mkdir()
    git(path, "init", "-q", "-b", "trunk")
    (path / "dir").mkdir()
    (path / "dir" / "file.txt").write_bytes(b"\xff\x00text")
    git(path, "add", "-A")
    git(path, "commit", "-qm", "one")
    git(path, "tag", "-a", "v1", "-m", "first")
    return path


@pytest.fixture
def mirror(repository: Path, tmp_path: Path) -> Mirror:
    """A mirror that has fetched nothing yet."""
    return Mirror.open(tmp_path / "mirrors", repository.as_uri())
