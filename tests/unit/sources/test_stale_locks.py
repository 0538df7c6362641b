"""A git that was killed keeps nobody out."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from gitlab_ci_provider.sources.git import Mirror
from gitlab_ci_provider.sources.git_command import clear_locks
from servers.repositories import git


def test_locks_of_a_killed_git_are_removed(mirror: Mirror, repository: Path):
    """`kill -9` and power loss leave `shallow.lock`: the next fetch works all the same."""
    mirror.fetch("trunk")
    git(repository, "commit", "-q", "--allow-empty", "-m", "more")
    (mirror.path / "shallow.lock").touch()

    assert mirror.has(mirror.fetch("trunk").sha)


def test_locks_of_a_living_git_are_respected(tmp_path: Path):
    """The next git waits until an orphaned one has ended."""
    git(tmp_path, "init", "-q")
    folder = tmp_path / ".git"
    (folder / "shallow.lock").touch()
    with subprocess.Popen(
        ["git", "-C", str(folder), "cat-file", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as orphan:
        assert orphan.stdin is not None
        assert orphan.stdout is not None
        orphan.stdin.write(b"HEAD\n")
        orphan.stdin.flush()
        assert orphan.stdout.readline() == b"HEAD missing\n"  # now it is in the folder
        clearing = threading.Thread(target=clear_locks, args=(folder, "fetch.lock"))
        clearing.start()
        kept = (folder / "shallow.lock").exists()
        orphan.communicate()
    clearing.join()

    assert kept
    assert not (folder / "shallow.lock").exists()
