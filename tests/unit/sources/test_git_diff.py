"""Files that differ between commits, with real git."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources.git import GitFetcher, Mirror
from gitlab_ci_provider.sources.git_diff import changed_between, changed_since, merge_base
from servers.repositories import commit, git, make_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    make_repository(path, {"a": "1", "kept": "x\n" * 50})
    git(path, "config", "uploadpack.allowFilter", "true")
    return path


def blobs(mirror: Mirror) -> int:
    """Count the files whose contents the mirror has."""
    command = ["git", "-C", str(mirror.path), "cat-file", "--batch-check", "--batch-all-objects"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return listing.count(" blob ")


def test_a_diff_needs_no_contents(repository: Path, mirror: Mirror):
    """Where the server allows it only commits and folders are fetched; files when they are read."""
    before = git(repository, "rev-parse", "HEAD")
    after = commit(repository, {"b": "2"}, "second")

    assert changed_between(mirror, before, after) == {"b"}
    assert blobs(mirror) == 0
    assert GitFetcher(mirror, after).read("b") == b"2"
    assert blobs(mirror) == 1


def test_a_renamed_file_of_a_push_counts_with_both_names(repository: Path, mirror: Mirror):
    """As in GitLab; compared with a ref, only the new name counts."""
    before = git(repository, "rev-parse", "HEAD")
    git(repository, "mv", "kept", "moved")
    after = commit(repository, {}, "move")

    assert changed_between(mirror, before, after) == {"kept", "moved"}
    assert changed_since(mirror, before, after) == {"moved"}


def test_names_of_files_may_be_anything(repository: Path, mirror: Mirror):
    """Line breaks, quotes and bytes that are not text are names, too."""
    before = git(repository, "rev-parse", "HEAD")
    odd = 'new\nline "quoted"'
    (repository / odd).write_text("1")
    (repository / "\udcff").write_text("1")
    after = commit(repository, {}, "odd")

    assert changed_between(mirror, before, after) == {odd, "\udcff"}


def test_history_is_deepened_until_the_commits_meet(repository: Path, mirror: Mirror):
    """The first fetch brings fifty commits; a base further back is found all the same."""
    base = git(repository, "rev-parse", "HEAD")
    git(repository, "branch", "old")
    for number in range(60):
        commit(repository, {"a": str(number)}, "more")
    head = git(repository, "rev-parse", "HEAD")

    assert merge_base(mirror, mirror.fetch("old").sha, head) == base


def test_commits_without_a_common_ancestor_have_no_base(repository: Path, mirror: Mirror):
    """Nothing changed since they parted: they never did."""
    main = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "--orphan", "other")
    other = commit(repository, {"z": "1"}, "root")

    assert merge_base(mirror, main, other) is None
    assert changed_since(mirror, main, other) == frozenset()


def test_a_commit_that_is_gone_is_an_error(mirror: Mirror):
    """A force push may have taken the commit before away."""
    with pytest.raises(SourceError, match="cannot read"):
        changed_between(mirror, "1" * 40, "2" * 40)


def test_many_may_fetch_at_once(repository: Path, tmp_path: Path):
    """Runs of one project start together and share its mirror."""
    shas = [commit(repository, {"a": str(number)}, "more") for number in range(8)]
    mirror = Mirror.open(tmp_path / "mirrors", repository.as_uri())

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda sha: mirror.fetch("main", sha).sha, shas))

    assert found == shas
