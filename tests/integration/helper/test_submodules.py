"""Phase get_sources: submodules, Git LFS, and leaving the checkout out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import SourceError
from integration.helper.support import TOKEN, head, sources
from integration.helper.support import run as fetch
from servers.git_http import GitServer, git_server
from servers.repositories import commit, git, make_repository

pytestmark = pytest.mark.integration


def add_submodule(repository: Path, name: str, url: str, sha: str) -> None:
    """Put a submodule into a repository without fetching it."""
    with (repository / ".gitmodules").open("a") as file:
        file.write(f'[submodule "{name}"]\n\tpath = {name}\n\turl = {url}\n')
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{sha},{name}")
    git(repository, "add", ".gitmodules")
    git(repository, "commit", "--quiet", "--message", f"add {name}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A project with two submodules, one of which has another; all want a login."""
    served = tmp_path / "served" / "group"
    deep = make_repository(served / "deep", {"deep.txt": "deep\n"})
    make_repository(served / "lib", {"lib.txt": "lib\n"})
    add_submodule(served / "lib", "deep", "../deep", deep)
    other = make_repository(served / "other", {"other.txt": "other\n"})
    make_repository(served / "project", {"README": "one\n"})
    add_submodule(served / "project", "lib", "../lib", git(served / "lib", "rev-parse", "HEAD"))
    add_submodule(served / "project", "other", "git@127.0.0.1:group/other", other)
    with git_server(tmp_path / "served", token=TOKEN) as running:
        yield running


def run(server: GitServer, tmp_path: Path, **changes: Any) -> Path:
    """Run the phase; return the working copy."""
    project = tmp_path / "served" / "group" / "project"
    plan = sources(server.url("group/project"), head(project), username="oauth2", password=TOKEN)
    return fetch(tmp_path, replace(plan, **changes))


def test_without_a_strategy_submodules_stay_empty(server: GitServer, tmp_path: Path):
    """`none` is the default."""
    copy = run(server, tmp_path)

    assert (copy / "README").exists()
    assert not (copy / "lib" / "lib.txt").exists()


def test_normal_fetches_those_of_the_repository_with_its_login(server: GitServer, tmp_path: Path):
    """Not those of submodules, and only the paths that were asked for."""
    copy = run(server, tmp_path, submodule_strategy="normal", submodule_paths=("lib",))

    assert (copy / "lib" / "lib.txt").read_text() == "lib\n"
    assert not (copy / "lib" / "deep" / "deep.txt").exists()
    assert not (copy / "other" / "other.txt").exists()


def test_recursive_goes_all_the_way_and_ssh_can_become_http(server: GitServer, tmp_path: Path):
    """GIT_SUBMODULE_FORCE_HTTPS takes the server's own address for submodules by ssh."""
    copy = run(
        server, tmp_path, submodule_strategy="recursive", https_submodules=True, submodule_depth=1
    )

    assert (copy / "lib" / "deep" / "deep.txt").read_text() == "deep\n"
    assert (copy / "other" / "other.txt").read_text() == "other\n"
    assert git(copy / "lib", "rev-list", "--count", "HEAD") == "1"


def test_the_password_stays_out_of_submodules_too(
    server: GitServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    """No configuration in the working copy holds it, and no log."""
    copy = run(server, tmp_path, submodule_strategy="recursive", submodule_paths=("lib",))

    files = [path for path in copy.rglob("*") if path.is_file()]
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert TOKEN not in capfd.readouterr().out


def test_a_submodule_that_cannot_be_had_fails_the_job(server: GitServer, tmp_path: Path):
    """After a second try, with git's words."""
    with pytest.raises(SourceError, match="cannot get the submodules: git submodule"):
        run(server, tmp_path, submodule_strategy="normal", submodule_paths=("other",))


def test_the_checkout_can_be_left_out(server: GitServer, tmp_path: Path):
    """GIT_CHECKOUT false: everything is fetched, nothing is written."""
    copy = run(server, tmp_path, checkout=False)

    assert not (copy / "README").exists()
    assert git(copy, "rev-parse", "origin/main")


def test_lfs_without_git_lfs_is_an_error_that_says_how_to_go_on(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A job would else work with pointers in place of its files; it may say that it wants them."""
    project = tmp_path / "served" / "group" / "project"
    commit(project, {"a/.gitattributes": "*.bin filter=lfs\n"}, "lfs")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "/usr/bin/git")
    monkeypatch.setenv("PATH", str(programs))

    with pytest.raises(SourceError, match="the helper image has no git-lfs"):
        run(server, tmp_path)
    assert (run(server, tmp_path, lfs=False) / "README").exists()


def local(server: GitServer, tmp_path: Path, origin: str) -> dict[str, object]:
    """Plan for the project as a folder on this machine, whose origin is another address."""
    project = tmp_path / "served" / "group" / "project"
    if origin:
        git(project, "remote", "add", "origin", origin)
    return {
        "url": project.as_uri(),
        "submodule_strategy": "normal",
        "submodule_paths": ("lib",),
        "username": "",
        "password": "",
    }


def test_a_relative_submodule_of_a_local_repository_lies_beside_its_origin(
    server: GitServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    """As for a person who works in that repository; a login in the address is not passed on."""
    server.token = ""
    address = server.url("group/project").replace("//", "//me:hidden-word@")

    copy = run(server, tmp_path, **local(server, tmp_path, address))

    assert (copy / "lib" / "lib.txt").read_text() == "lib\n"
    assert git(copy, "remote", "get-url", "origin").startswith("file://")
    assert "hidden-word" not in capfd.readouterr().out
    assert "hidden-word" not in (copy / ".git" / "config").read_text()


@pytest.mark.parametrize("known", [False, True])
def test_a_submodule_on_this_machine_is_refused_with_the_reason(
    server: GitServer, tmp_path: Path, *, known: bool
):
    """Else any job could read any repository of the machine that it is added to."""
    origin = str(tmp_path / "served" / "group" / "project") if known else ""
    with pytest.raises(SourceError, match=r"is on this machine.*remote 'origin'"):
        run(server, tmp_path, **local(server, tmp_path, origin))


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% SPY",
        "--upload-pack=touch SPY",
        "-utouch SPY",
        "ssh://-oProxyCommand=touch${IFS}SPY/x",
        "ssh://git@-oProxyCommand=touch${IFS}SPY/x",
        "fd::17",
        "http://127.0.0.1:9/x%0aprotocol=http",
    ],
)
def test_the_address_of_a_submodule_runs_nothing(server: GitServer, tmp_path: Path, url: str):
    """The author of `.gitmodules` chooses where git goes, and nothing else."""
    project, spy = tmp_path / "served" / "group" / "project", tmp_path / "spy"
    add_submodule(project, "evil", url.replace("SPY", str(spy)), "1" * 40)

    with pytest.raises(SourceError, match=r"cannot get the submodules"):
        run(server, tmp_path, submodule_strategy="recursive", submodule_paths=("evil",))
    assert not spy.exists()


@pytest.mark.parametrize(
    "text",
    [
        "\tupdate = !touch SPY\n",
        '\tupdate = checkout\n[core]\n\tsshCommand = touch SPY\n[alias]\n\tclean = "!touch SPY"\n',
        '[submodule "../../hooks"]\n\tpath = lib\n\turl = ../lib\n',
    ],
)
def test_the_settings_of_a_submodule_run_nothing(server: GitServer, tmp_path: Path, text: str):
    """Git takes address, path and branch from `.gitmodules`, whatever else it says."""
    project, spy = tmp_path / "served" / "group" / "project", tmp_path / "spy"
    with (project / ".gitmodules").open("r+") as file:
        first = file.read().replace("url = ../lib\n", f"url = ../lib\n{text}", 1)
        file.seek(0)
        file.write(first.replace("SPY", str(spy)))
    commit(project, {}, "settings")

    with suppress(SourceError):
        run(server, tmp_path, submodule_strategy="recursive", submodule_paths=("lib",))
    assert not spy.exists()
    assert not (tmp_path / "copy" / ".git" / "hooks").exists()


def test_update_flags_reach_git(server: GitServer, tmp_path: Path):
    """GIT_SUBMODULE_UPDATE_FLAGS: `--remote` takes the newest commit of a submodule's branch."""
    lib = tmp_path / "served" / "group" / "lib"
    newest = commit(lib, {"lib.txt": "newer\n"}, "newer")
    named = run(server, tmp_path, submodule_strategy="normal", submodule_paths=("lib",))
    assert (named / "lib" / "lib.txt").read_text() == "lib\n"

    copy = run(
        server,
        tmp_path,
        submodule_strategy="normal",
        submodule_paths=("lib",),
        submodule_flags=("--remote", "--jobs", "2"),
    )

    assert (copy / "lib" / "lib.txt").read_text() == "newer\n"
    assert git(copy / "lib", "rev-parse", "HEAD") == newest


@pytest.mark.parametrize(("depth", "commits"), [(1, "1"), (0, "3")])
def test_depth_of_submodules(server: GitServer, tmp_path: Path, depth: int, commits: str):
    """GIT_SUBMODULE_DEPTH is their own; 0 fetches all of their history."""
    lib = tmp_path / "served" / "group" / "lib"
    project = tmp_path / "served" / "group" / "project"
    newest = commit(lib, {"lib.txt": "newer\n"}, "newer")
    git(project, "update-index", "--cacheinfo", f"160000,{newest},lib")
    git(project, "commit", "--quiet", "--message", "newer lib")

    copy = run(
        server,
        tmp_path,
        submodule_strategy="normal",
        submodule_paths=("lib",),
        submodule_depth=depth,
    )

    assert git(copy / "lib", "rev-list", "--count", "HEAD") == commits


def test_paths_can_be_left_out(server: GitServer, tmp_path: Path):
    """GIT_SUBMODULE_PATHS with `:(exclude)`; the one that is left out stays empty."""
    copy = run(server, tmp_path, submodule_strategy="normal", submodule_paths=(":(exclude)other",))

    assert (copy / "lib" / "lib.txt").exists()
    assert not (copy / "other" / "other.txt").exists()


def test_a_used_working_copy_has_its_submodules_again(server: GitServer, tmp_path: Path):
    """What a job has left in their place is gone, also a repository that names programs."""
    first = run(server, tmp_path, submodule_strategy="recursive", https_submodules=True)
    lib, ran = first / "lib", tmp_path / "ran"
    shutil.rmtree(lib)
    make_repository(lib, {"lib.txt": "evil\n"})
    git(lib, "config", "core.fsmonitor", f"touch {ran}; false")
    git(lib, "config", "core.sshCommand", f"touch {ran}")
    (first / "other" / "left").write_text("left")

    copy = run(
        server, tmp_path, submodule_strategy="recursive", https_submodules=True, clean_flags=()
    )

    assert (copy / "lib" / "lib.txt").read_text() == "lib\n"
    assert (copy / "lib" / "deep" / "deep.txt").read_text() == "deep\n"
    assert not (copy / "other" / "left").exists()
    assert not ran.exists()
