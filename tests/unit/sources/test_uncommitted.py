"""The files of a working copy as a commit, with real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources.uncommitted import commit_work_tree
from servers.repositories import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A working copy in which a file was changed, one deleted, one added and one ignored."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    for name in ("kept", "changed", "gone"):
        (tmp_path / name).write_text(name)
    (tmp_path / ".gitignore").write_text("ignored\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    (tmp_path / "changed").write_text("new")
    (tmp_path / "gone").unlink()
    (tmp_path / "added").write_text("added")
    (tmp_path / "ignored").write_text("ignored")
    return tmp_path


def test_the_commit_has_the_files_as_they_are(repository: Path):
    """Changed, new and deleted files; ignored ones are not part of it."""
    found = commit_work_tree(repository)

    listed = git(repository, "ls-tree", "-r", "--name-only", found.sha).split()
    assert sorted(listed) == [".gitignore", "added", "changed", "kept"]
    assert git(repository, "show", f"{found.sha}:changed") == "new"
    assert found.branch == "main"


def test_nothing_of_the_working_copy_changes(repository: Path):
    """Neither index nor branches nor the list of changes."""
    git(repository, "add", "changed")
    before = [git(repository, *asked) for asked in (("status", "--porcelain"), ("show-ref",))]

    commit_work_tree(repository)

    after = [git(repository, *asked) for asked in (("status", "--porcelain"), ("show-ref",))]
    assert before == after


def test_the_same_files_are_the_same_commit(repository: Path):
    """So that nothing is compiled twice; without changes, it is the commit itself."""
    first = commit_work_tree(repository)
    assert commit_work_tree(repository) == first

    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "second")
    assert commit_work_tree(repository).sha == git(repository, "rev-parse", "HEAD").strip()


def test_what_is_no_working_copy_is_said(tmp_path: Path):
    """A folder without a commit has nothing to run."""
    with pytest.raises(SourceError, match="cannot read"):
        commit_work_tree(tmp_path)


def test_a_working_copy_needs_a_commit(tmp_path: Path):
    """Git's own words would speak of a revision."""
    git(tmp_path, "init", "--quiet")

    with pytest.raises(SourceError, match="has no commits yet"):
        commit_work_tree(tmp_path)


def test_programs_of_the_repository_do_not_run(repository: Path, tmp_path: Path):
    """Its own filters and hooks may come from a stranger."""
    proof = tmp_path / "ignored"
    proof.unlink()
    (repository / ".gitattributes").write_text("* filter=evil\n")
    git(repository, "config", "filter.evil.clean", f"touch {proof}; cat")

    commit_work_tree(repository)

    assert not proof.exists()
