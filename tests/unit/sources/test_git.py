"""Git repositories as a source, with real git."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from gitlab_ci_provider.config.documents import MAX_BYTES
from gitlab_ci_provider.exceptions import SourceError, UnknownRefError
from gitlab_ci_provider.model.project import RefKind
from gitlab_ci_provider.model.quoted import hide_credentials
from gitlab_ci_provider.sources import git_command
from gitlab_ci_provider.sources.git import GitFetcher, Mirror, uncommitted_changes
from servers.repositories import git


def test_the_default_branch_is_the_repositorys(mirror: Mirror):
    """The branch that HEAD names is the default one."""
    assert mirror.default_branch() == "trunk"


def test_a_branch_is_its_commit(mirror: Mirror, repository: Path):
    """Fetching a branch tells its commit."""
    ref = mirror.fetch("trunk")

    assert (ref.sha, ref.kind) == (git(repository, "rev-parse", "HEAD"), RefKind.BRANCH)


def test_an_annotated_tag_is_the_commit_that_it_names(mirror: Mirror, repository: Path):
    """A tag object is not a commit: pods check out what it points at."""
    ref = mirror.fetch("v1")

    assert (ref.sha, ref.kind) == (git(repository, "rev-parse", "HEAD"), RefKind.TAG)


def test_a_commit_id_is_a_ref(mirror: Mirror, repository: Path):
    """A full commit id can be run."""
    sha = git(repository, "rev-parse", "HEAD")

    assert mirror.fetch(sha).sha == sha


@pytest.mark.parametrize("ref", ["", "trunk"])
def test_a_commit_that_is_not_there_is_said_in_one_line(mirror: Mirror, ref: str):
    """Alone or of a branch; not in what git servers say about it."""
    sha = "1" * 40

    with pytest.raises(UnknownRefError, match=f"has no commit {sha}$"):
        mirror.fetch(ref or sha, sha)


def test_two_processes_bring_the_whole_history(mirror: Mirror, repository: Path):
    """The process that has waited finds the history there, which is not an error."""
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "second")
    sha = mirror.fetch("trunk").sha
    with ThreadPoolExecutor(2) as both:
        brought = [both.submit(mirror.bring, [sha]) for _ in range(2)]

    assert [one.result() for one in brought] == [None, None]
    assert not (mirror.path / "shallow").exists()


def test_files_are_read_as_bytes(mirror: Mirror):
    """Contents come back unchanged, whatever their encoding."""
    files = GitFetcher(mirror, mirror.fetch("trunk").sha)

    assert files.read("dir/file.txt") == b"\xff\x00text"
    assert list(files.paths()) == ["dir/file.txt"]


@pytest.mark.parametrize("path", ["missing", "dir", "../file", ""])
def test_what_is_no_file_is_none(mirror: Mirror, path: str):
    """A missing file, a folder or a path outside is not there."""
    assert GitFetcher(mirror, mirror.fetch("trunk").sha).read(path) is None


def test_of_a_huge_file_only_the_beginning_is_read(mirror: Mirror, repository: Path):
    """A file of gigabytes must not fill the memory of the process that reads all projects."""
    with (repository / "huge.yml").open("wb") as file:
        file.truncate(MAX_BYTES * 3)
    git(repository, "add", "huge.yml")
    git(repository, "commit", "--quiet", "-m", "huge")

    content = GitFetcher(mirror, mirror.fetch("trunk").sha).read("huge.yml")

    assert content is not None
    assert len(content) == MAX_BYTES + 1


def test_an_unknown_ref_is_named(mirror: Mirror):
    """The error says which ref is unknown."""
    with pytest.raises(SourceError, match="no branch, tag or commit id 'nope'"):
        mirror.fetch("nope")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("Trukn", "no branch, tag or commit id 'Trukn'; did you mean 'trunk'\\?$"),
        ("refs/heads/trnk", "no branch 'trnk'; did you mean 'trunk'\\?$"),
        ("refs/tags/zzz", "no tag 'zzz'$"),
        ("1a3de0d7", "'1a3de0d7'; commit ids have 40 digits$"),
    ],
)
def test_of_an_unknown_ref_it_is_said_what_may_be_meant(mirror: Mirror, given: str, words: str):
    """A similar name of the repository, or how commits are named."""
    with pytest.raises(SourceError, match=words):
        mirror.fetch(given)


def test_an_unreachable_repository_is_named(tmp_path: Path):
    """The error says which repository cannot be read."""
    mirror = Mirror.open(tmp_path / "mirrors", (tmp_path / "gone").as_uri())

    with pytest.raises(SourceError, match=r"cannot read file://.*gone"):
        mirror.default_branch()


@pytest.mark.skipif(shutil.which("ssh") is None, reason="git needs ssh for this")
@pytest.mark.parametrize("form", ["ssh://git@127.0.0.1:{}/a.git", "silent:a.git"])
def test_a_server_that_is_silent_over_ssh_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
):
    """It takes connections and says nothing: ssh waits for ever by itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        named = f"ssh -o HostName=127.0.0.1 -o Port={port}" if "://" not in form else "ssh"
        impatient = git_command._SSH.replace("ConnectTimeout=60", "ConnectTimeout=1")
        monkeypatch.setattr(git_command, "_SSH", impatient.replace("ssh", named, 1))
        mirror = Mirror.open(tmp_path, form.format(port))

        with pytest.raises(SourceError, match="timed out"):
            mirror.default_branch()


@pytest.mark.parametrize("where", ["GIT_SSH_COMMAND", "GIT_SSH", "core.sshCommand"])
def test_how_the_user_has_git_call_ssh_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
):
    """A key, a proxy or another program are set there."""
    mine = tmp_path / "mine"
    mine.write_text("#!/bin/sh\necho this is mine >&2; exit 1\n")
    mine.chmod(0o755)
    if where == "core.sshCommand":
        (tmp_path / "config").write_text(f"[core]\n\tsshCommand = {mine}\n")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    else:
        monkeypatch.setenv(where, str(mine))

    with pytest.raises(SourceError, match="this is mine"):
        Mirror.open(tmp_path / "mirrors", "ssh://git@127.0.0.1/a.git").default_branch()


def test_an_empty_repository_says_so(tmp_path: Path):
    """A repository without commits has nothing to run."""
    git(tmp_path, "init", "-q", "empty")
    mirror = Mirror.open(tmp_path / "mirrors", (tmp_path / "empty").as_uri())

    with pytest.raises(SourceError, match="no commits"):
        mirror.default_branch()


def test_credentials_are_not_shown():
    """URLs in messages and records carry no user and no password."""
    url = "https://user:secret@example.com/group/project.git"

    assert hide_credentials(url) == "https://example.com/group/project.git"


def test_a_commit_tells_author_time_and_message(mirror: Mirror, repository: Path):
    """What CI_COMMIT_AUTHOR, CI_COMMIT_TIMESTAMP and CI_COMMIT_MESSAGE hold."""
    git(repository, "commit", "-q", "--allow-empty", "-m", "A title", "-m", "And more.")

    commit = GitFetcher(mirror, mirror.fetch("trunk").sha).commit()

    assert commit.author == "Author <author@example.com>"
    assert commit.timestamp == git(repository, "log", "-1", "--format=%cI")
    assert commit.message == "A title\n\nAnd more.\n"


def test_uncommitted_changes_are_counted(repository: Path, tmp_path: Path):
    """A run takes what is committed, so a person is told what is not."""
    (repository / "new").touch()

    assert uncommitted_changes(repository) == 1
    assert uncommitted_changes(tmp_path / "mirrors") == 0


def test_git_gets_nothing_of_airflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A worker's environment holds connections and keys; git reads what others have written."""
    seen = tmp_path / "seen"
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\nenv >{seen}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("AIRFLOW_CONN_GITLAB_CI_OBJECT_STORE", "the-canary")
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "the-canary")

    uncommitted_changes(tmp_path)

    assert "GIT_TERMINAL_PROMPT=0" in seen.read_text()
    assert "the-canary" not in seen.read_text()


def test_git_ends_with_the_task_that_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Airflow ends a task by an exception in the middle of anything: git is not waited for then."""
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *given: Any, **named: Any):
            super().__init__(*given, **named)
            started.append(self)
            monkeypatch.setattr(self, "stdout", Mock(read=Mock(side_effect=KeyboardInterrupt)))

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        uncommitted_changes(tmp_path)

    assert [process.returncode for process in started] == [-signal.SIGKILL]
