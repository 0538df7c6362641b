"""Folders of strangers: a repository whose configuration names programs, read by us."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources.git import GitFetcher, Mirror, uncommitted_changes
from gitlab_ci_provider.sources.git_history import commits
from gitlab_ci_provider.sources.work_tree import changed_since, read_commit
from servers.repositories import commit, git, make_repository

CONFIG = """\
[core]
  fsmonitor = {run}
  hooksPath = {hooks}
  pager = {run}
  editor = {run}
  sshCommand = {run}
  gitProxy = {run}
  askPass = {run}
  alternateRefsCommand = {run}
[include]
  path = {included}
[filter "evil"]
  clean = {run} %f
  smudge = {run} %f
  process = {run}
  required = true
[filter "e=v.i l"]
  clean = {run}
[diff]
  external = {run}
[diff "evil"]
  command = {run}
  textconv = {run}
[merge "evil"]
  driver = {run}
[log]
  showSignature = true
[gpg]
  program = {run}
[gpg "ssh"]
  program = {run}
[credential]
  helper = {run}
[uploadpack]
  packObjectsHook = {run}
  allowFilter = true
[protocol]
  allow = always
[protocol "ext"]
  allow = always
[remote "origin"]
  url = ext::{run}
  uploadpack = {run}
  promisor = true
[extensions]
  worktreeConfig = true
"""


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """The file that appears when anything of the repository's configuration was run."""
    return tmp_path / "sprung"


@pytest.fixture
def hostile(tmp_path: Path, trap: Path) -> Path:
    """A working copy with changes, whose configuration names a program everywhere."""
    run = tmp_path / "run.sh"
    run.write_text(f'#!/bin/sh\necho "$0 $*" >> {trap}\ncat\n')
    run.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "reference-transaction", "pre-auto-gc", "post-checkout"):
        (hooks / name).symlink_to(run)
    top = tmp_path / "hostile"
    files = {
        ".gitlab-ci.yml": "job: {script: 'true', rules: [{changes: {paths: [a], compare_to: main}},"
        " {if: '$CI_COMMIT_MESSAGE == \"x\"'}]}\n",
        ".gitattributes": '* filter=evil diff=evil merge=evil\nb filter="e=v.i l"\n',
        "a": "a\n",
        "b": "b\n",
    }
    make_repository(top, files)
    _with_submodule(top, tmp_path / "lib", run)
    commit(top, {"a": "second\n"}, "second")
    (top / "a").write_text("third\n")
    (top / "b").write_text("c\n")
    included = tmp_path / "included"
    included.write_text(f'[filter "more"]\n  clean = {run}\n')
    config = CONFIG.format(run=run, hooks=hooks, included=included)
    with (top / ".git" / "config").open("a") as file:
        file.write(config)
    (top / ".git" / "config.worktree").write_text(f'[filter "evil"]\n  clean = {run}\n')
    for hook in hooks.iterdir():
        (top / ".git" / "hooks").mkdir(exist_ok=True)
        (top / ".git" / "hooks" / hook.name).symlink_to(run)
    trap.unlink(missing_ok=True)  # git of the test itself may have run it
    return top


def _with_submodule(top: Path, library: Path, run: Path) -> None:
    """Add a submodule that has a monitor of its own."""
    make_repository(library, {"c": "c\n"})
    git(top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")
    git(top / "lib", "config", "core.fsmonitor", str(run))
    (top / "lib" / "c").write_text("changed\n")


def test_a_working_copy_runs_nothing(hostile: Path, trap: Path):
    """Monitors, hooks, filters, drivers and signature programs of a folder stay unused."""
    assert uncommitted_changes(hostile) > 0
    assert read_commit(hostile, None).message == "second\n"
    assert "a" in (changed_since(hostile, "main") or ())
    assert not trap.exists(), trap.read_text()


def test_a_repository_on_this_machine_is_mirrored_without_running_anything(
    hostile: Path, trap: Path, tmp_path: Path
):
    """Fetching starts git in the repository itself, and its configuration counts for nothing."""
    mirror = Mirror.open(tmp_path / "mirrors", hostile.as_uri())
    ref = mirror.fetch(mirror.default_branch())

    files = GitFetcher(mirror, ref.sha)
    assert files.read("a") == b"second\n"
    assert "b" in files.paths()
    assert files.commit().message == "second\n"
    assert len(commits(mirror, ref.sha, "main")) == 1
    assert not trap.exists(), trap.read_text()


def test_an_object_that_is_missing_is_not_fetched_by_the_repository(
    hostile: Path, trap: Path, tmp_path: Path
):
    """A partial clone names where the rest is; serving it must not go and ask there."""
    blob = git(hostile, "rev-parse", "HEAD:a")
    (hostile / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with (hostile / ".git" / "config").open("a") as file:
        file.write("[extensions]\n  partialClone = origin\n")
    mirror = Mirror.open(tmp_path / "mirrors", hostile.as_uri())

    with pytest.raises(SourceError):
        GitFetcher(mirror, mirror.fetch("main").sha).read("a")
    assert not trap.exists(), trap.read_text()


@pytest.mark.parametrize("command", ["lint", "compile"])
def test_commands_run_nothing(
    command: str, hostile: Path, trap: Path, capsys: pytest.CaptureFixture[str]
):
    """`lint` and `compile` of a stranger's folder only read."""
    assert main([command, str(hostile)]) in (0, 1)
    assert not trap.exists(), trap.read_text()


def test_a_mirror_has_no_hooks(tmp_path: Path, trap: Path, monkeypatch: pytest.MonkeyPatch):
    """What the user's template puts into new repositories is not for ours."""
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    hook = template / "reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template.parent))
    make_repository(tmp_path / "app", {"a": "a\n"})
    trap.unlink(missing_ok=True)

    Mirror.open(tmp_path / "mirrors", (tmp_path / "app").as_uri()).fetch("main")

    assert not trap.exists()


@pytest.mark.parametrize(
    "url", ["ext::sh -c touch% {trap}", "fd::17", "--upload-pack=touch {trap}"]
)
def test_addresses_name_no_programs(url: str, tmp_path: Path, trap: Path):
    """Only protocols that start nothing of the address's choice are spoken."""
    with pytest.raises(SourceError):
        Mirror.open(tmp_path / "mirrors", url.format(trap=trap)).default_branch()
    assert not trap.exists()


def test_a_folder_of_another_user_is_refused_in_words(
    tmp_path: Path, trap: Path, hostile: Path, monkeypatch: pytest.MonkeyPatch
):
    """Git's own check of owners stays on; mirrors of ours are trusted, whatever their owner."""
    mirror = Mirror.open(tmp_path / "mirrors", hostile.as_uri())
    files = GitFetcher(mirror, mirror.fetch("main").sha)
    assert files.read("a") == b"second\n"
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    assert uncommitted_changes(hostile) == 0
    assert files.read("a") == b"second\n"
    assert mirror.has(files.sha)
    with pytest.raises(SourceError, match="dubious ownership"):
        mirror.default_branch()


def test_the_place_of_a_calling_hook_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Started by a hook of another repository, git looks where it is told to."""
    make_repository(tmp_path / "app", {"a": "a\n"})
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", os.devnull)

    mirror = Mirror.open(tmp_path / "mirrors", (tmp_path / "app").as_uri())

    assert GitFetcher(mirror, mirror.fetch("main").sha).read("a") == b"a\n"
