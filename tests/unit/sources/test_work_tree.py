"""What git says of a working copy, with real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.sources.work_tree import changed_since
from servers.repositories import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A branch `feature` with one commit more than `main`, which has new commits since."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    for branch, name in (("main", "base"), ("feature", "ä b"), ("main", "later")):
        git(tmp_path, "checkout", "--quiet", "-B", branch, *(() if name != "later" else ("main",)))
        (tmp_path / name).write_text("1")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "--quiet", "--message", name)
    git(tmp_path, "checkout", "--quiet", "feature")
    return tmp_path


def test_only_what_this_branch_changed(repository: Path):
    """Later commits of the other branch are not changes of this one."""
    assert changed_since(repository, "main") == frozenset({"ä b"})


def test_uncommitted_changes_count(repository: Path):
    """The working copy is what is compiled."""
    (repository / "base").write_text("2")

    assert changed_since(repository, "main") == frozenset({"ä b", "base"})


@pytest.mark.parametrize("ref", ["gone", "--output=x", "", "a..b", "\n"])
def test_an_unknown_ref(repository: Path, ref: str):
    """A name without a commit is not a ref, and never an option of git."""
    assert changed_since(repository, ref) is None


def test_a_branch_of_the_remote(repository: Path, tmp_path_factory: pytest.TempPathFactory):
    """A clone knows other branches only below `origin/`."""
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "--quiet", "--branch", "feature", str(repository), ".")

    assert changed_since(clone, "main") == frozenset({"ä b"})
