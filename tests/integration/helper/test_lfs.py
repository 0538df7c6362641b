"""Git LFS and filters: what a repository says of them runs nothing and takes no login away."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SourceError
from integration.helper.support import TOKEN, head, run, sources
from servers.git_http import GitServer, git_server
from servers.repositories import commit, make_repository

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not shutil.which("git-lfs"), reason="git-lfs is not installed"),
]

CONTENT = b"large\n"
OID = "5b4ee6a5a8bbcd5d2ab8c0b5a2df1ab3e43b7eee9f4d7f7e1b27f7f6e8f7f3b7"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 6\n"
LOGIN = {"username": "gitlab-ci-token", "password": TOKEN}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A server that wants a token, and a repository with a file that LFS keeps elsewhere."""
    folder = tmp_path / "served" / "group" / "project"
    make_repository(folder, {".gitattributes": "*.bin filter=lfs\n", "a.bin": POINTER})
    with git_server(tmp_path / "served", token=TOKEN) as running:
        yield running


def fetched(server: GitServer, tmp_path: Path) -> None:
    """Get the sources; the server has no LFS, so it fails at last."""
    project = tmp_path / "served" / "group" / "project"
    with suppress(SourceError):
        run(tmp_path, sources(server.url("group/project"), head(project), **LOGIN))


def test_files_are_asked_for_with_the_login(server: GitServer, tmp_path: Path):
    """Of the repository's own server, where LFS usually is."""
    fetched(server, tmp_path)

    asked = "POST /group/project.git/info/lfs/objects/batch"
    assert asked in server.requests
    assert server.users[-1] == "gitlab-ci-token"


@pytest.mark.parametrize("key", ["lfs.url", "remote.origin.lfsurl", "lfs.pushurl"])
def test_another_server_gets_no_login(server: GitServer, tmp_path: Path, key: str):
    """`.lfsconfig` may name any address; the login stays with the repository's server."""
    project = tmp_path / "served" / "group" / "project"
    with git_server(tmp_path / "served", token=TOKEN) as other:
        section, _, name = key.rpartition(".")
        section = 'remote "origin"' if section.startswith("remote") else section
        address = other.url("group/project")
        config = f"[{section}]\n\t{name} = {address}\n[lfs]\n\taccess = basic\n"
        commit(project, {".lfsconfig": config}, "elsewhere")
        fetched(server, tmp_path)

        assert other.users == []
        assert bool(other.requests) is (key != "lfs.pushurl")


@pytest.mark.parametrize(
    "lines",
    [
        '[lfs]\n\tstandalonetransferagent = evil\n[lfs "customtransfer.evil"]\n\tpath = SPY',
        '[lfs "extension.evil"]\n\tclean = SPY\n\tsmudge = SPY\n\tpriority = 0',
        '[filter "lfs"]\n\tsmudge = SPY\n\tprocess = SPY',
        "[credential]\n\thelper = SPY\n[core]\n\tsshCommand = SPY\n\tfsmonitor = SPY",
        "[lfs]\n\turl = ssh://git@127.0.0.1:9/x\n[core]\n\tsshCommand = SPY",
        "[lfs]\n\turl = file:///",
        "[lfs]\n\turl = ssh://-oProxyCommand=SPY/x",
    ],
)
def test_lfs_configuration_of_a_repository_runs_nothing(
    server: GitServer, tmp_path: Path, lines: str
):
    """Git LFS takes a few keys of `.lfsconfig` only, none of which names a program."""
    project, spy = tmp_path / "served" / "group" / "project", tmp_path / "spy"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {spy}\n")
    program.chmod(0o755)
    commit(project, {".lfsconfig": lines.replace("SPY", str(program)) + "\n"}, "evil")

    fetched(server, tmp_path)

    assert not spy.exists()


def test_filters_that_nobody_has_configured_do_nothing(server: GitServer, tmp_path: Path):
    """`.gitattributes` names filters, merge and diff drivers; only a configuration defines them."""
    project = tmp_path / "served" / "group" / "project"
    attributes = "* filter=touch diff=touch merge=touch ident text eol=crlf\n"
    commit(project, {".gitattributes": attributes, "a.bin": json.dumps([1])}, "filters")

    fetched(server, tmp_path)

    assert (tmp_path / "copy" / "a.bin").read_text() == "[1]"
