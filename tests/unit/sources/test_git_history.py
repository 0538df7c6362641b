"""The commits of a branch, with real git."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources.git import Mirror
from gitlab_ci_provider.sources.git_history import commits, last_commit
from servers.repositories import commit, git, make_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    make_repository(path, {"a": "1"})
    return path


def test_both_ends_are_included_oldest_first(repository: Path, mirror: Mirror):
    """Each commit knows the one before it; the first of all has none."""
    root = git(repository, "rev-parse", "HEAD")
    second = commit(repository, {"a": "2"}, "two")
    third = commit(repository, {"a": "3"}, "three")

    steps = commits(mirror, root, "main")

    assert [one.sha for one in steps] == [root, second, third]
    assert [one.parent for one in steps] == ["", root, second]
    assert [one.title for one in steps] == ["first", "two", "three"]


def test_a_merged_branch_is_its_merge_commit(repository: Path, mirror: Mirror):
    """Commits of a merged branch were pushed to that branch, not to this one."""
    root = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "-b", "topic")
    inner = commit(repository, {"b": "1"}, "inner")
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "-q", "--no-ff", "topic", "-m", "merge")
    merged = git(repository, "rev-parse", "HEAD")

    assert [one.sha for one in commits(mirror, root, "main")] == [root, merged]
    with pytest.raises(SourceError, match="is not an ancestor of main"):
        commits(mirror, inner, "main")


def test_a_long_range_is_fetched_in_full(repository: Path, mirror: Mirror):
    """The first fetch brings fifty commits; the range may be longer."""
    root = git(repository, "rev-parse", "HEAD")
    for number in range(60):
        commit(repository, {"a": str(number)}, "more")

    assert len(commits(mirror, root, "main")) == 61


def test_the_wrong_way_round_is_an_error(repository: Path, mirror: Mirror):
    """The newest commit did not lead to the oldest."""
    root = git(repository, "rev-parse", "HEAD")
    commit(repository, {"a": "2"}, "two")

    with pytest.raises(SourceError, match="not an ancestor"):
        commits(mirror, "main", root)


def test_the_last_commit_of_a_path_is_found_however_old(repository: Path, mirror: Mirror):
    """History is fetched until it is known; the oldest commit that is here proves nothing."""
    made = commit(repository, {"deep/b": "1"}, "b")
    for number in range(60):
        head = commit(repository, {"a": str(number)}, "more")
    mirror.fetch("main")

    assert last_commit(mirror, head, "deep/b") == made
    assert last_commit(mirror, head, "deep") == made
    assert last_commit(mirror, head, "a") == head


@pytest.mark.parametrize("path", ["none", "../a", "/a", "x/../../a", "--all"])
def test_a_path_that_nobody_changed_has_no_last_commit(repository: Path, mirror: Mirror, path: str):
    """Also when it leads out of the repository, or looks like an option."""
    head = commit(repository, {"a": "2"}, "two")
    mirror.fetch("main")

    assert last_commit(mirror, head, path) is None
