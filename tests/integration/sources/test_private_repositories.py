"""Repositories that want a login, on a real git server over HTTP."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitlab_ci_provider.discovery.sync import Sync
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.projects import add_project
from gitlab_ci_provider.model.git_login import GitLogin
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.sources.git import GitFetcher, Mirror
from gitlab_ci_provider.state import open_state
from servers.git_http import GitServer, git_server
from servers.repositories import make_repository

pytestmark = pytest.mark.integration

TOKEN = "glpat-of-the-group"
LOGIN = GitLogin(password=TOKEN)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A server that lets nobody in without the token."""
    make_repository(
        tmp_path / "served" / "group" / "project", {".gitlab-ci.yml": "a: {script: 'true'}\n"}
    )
    with git_server(tmp_path / "served", token=TOKEN) as running:
        yield running


def files_with(folder: Path, text: str) -> list[Path]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in paths if text.encode() in path.read_bytes()]


def test_a_mirror_logs_in_and_keeps_no_password(server: GitServer, tmp_path: Path):
    """The token reaches git's environment, no file of the mirror holds it."""
    mirror = Mirror.open(tmp_path / "mirrors", server.url("group/project"), LOGIN)

    ref = mirror.fetch("main")

    assert GitFetcher(mirror, ref.sha).read(".gitlab-ci.yml") == b"a: {script: 'true'}\n"
    assert set(server.users) == {"oauth2"}
    assert files_with(tmp_path / "mirrors", TOKEN) == []
    assert TOKEN not in repr(mirror)


def test_arguments_never_hold_the_password(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Everybody on a machine sees the arguments of its processes."""
    programs, said = tmp_path / "programs", tmp_path / "arguments"
    programs.mkdir()
    path = os.environ["PATH"]
    spy = programs / "git"
    spy.write_text(f'#!/bin/sh\necho "$@" >> {said}\nPATH={path} exec git "$@"\n')
    spy.chmod(spy.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}:{path}")
    url = server.url("group/project").replace("//", f"//user:{TOKEN}@")

    Mirror.open(tmp_path / "mirrors", url).fetch("main")

    assert "ls-remote" in said.read_text()
    assert TOKEN not in said.read_text()


def test_user_and_password_of_a_url_are_used_and_taken_out(server: GitServer, tmp_path: Path):
    """What a person pasted works, and stays in no file; the project is the same as without."""
    url = server.url("group/project")
    sync = Sync(open_state(Settings(home=tmp_path)), tmp_path / "mirrors")

    result = sync.one(url.replace("//", f"//me:{TOKEN}@"))

    assert result.record is not None
    assert result.record.project.clone_url == url
    assert set(server.users) == {"me"}
    assert files_with(tmp_path / "state", TOKEN) + files_with(tmp_path / "mirrors", TOKEN) == []


def test_sync_takes_the_login_of_the_server(server: GitServer, tmp_path: Path):
    """A connection of Airflow says how to log in at this server."""
    asked: list[str] = []

    def logins(url: str) -> GitLogin:
        asked.append(url)
        return LOGIN

    sync = Sync(open_state(Settings(home=tmp_path)), tmp_path / "mirrors", logins=logins)

    assert sync.one(server.url("group/project")).ok
    assert set(asked) == {server.url("group/project")}


def test_commands_take_the_login_of_a_connection_in_the_environment(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`run` and `up` read a private repository as `sync` does, and store no password."""
    url = server.url("group/project")
    host = url.removesuffix("/group/project")
    connection = {"conn_type": "generic", "host": host, "password": TOKEN}
    monkeypatch.setenv("AIRFLOW_CONN_GITLAB_CI_GIT", json.dumps(connection))
    home = Home(tmp_path / "home")

    found = add_project(home, url)

    assert found.ok, found.diagnostics
    assert set(server.users) == {"oauth2"}
    assert files_with(home.path, TOKEN) == []


def test_a_folder_is_synced_without_airflow(tmp_path: Path):
    """Importing Airflow takes longer than all the rest of a sync."""
    make_repository(tmp_path / "shop", {".gitlab-ci.yml": "a: {script: 'true'}\n"})
    program = (
        "import sys; from pathlib import Path; from gitlab_ci_provider.local.home import Home; "
        "from gitlab_ci_provider.local.projects import add_project; "
        "assert add_project(Home(Path(sys.argv[1])), sys.argv[2]).ok; "
        "print('airflow' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "home"), str(tmp_path / "shop")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "False\n"


@pytest.mark.parametrize("login", [None, GitLogin(password="wrong-password")])
def test_being_refused_is_said_without_the_password(
    server: GitServer, tmp_path: Path, login: GitLogin | None
):
    """Nobody is asked, and the message names the repository only."""
    mirror = Mirror.open(tmp_path / "mirrors", server.url("group/project"), login)

    with pytest.raises(SourceError, match="cannot read http") as problem:
        mirror.fetch("main")
    assert "wrong-password" not in str(problem.value)


def test_another_server_does_not_get_the_password(server: GitServer, tmp_path: Path):
    """A server that sends git elsewhere does not send the password along."""
    with git_server(tmp_path / "other", token=TOKEN) as other:
        server.moved_to = other.url("")[:-1]
        mirror = Mirror.open(tmp_path / "mirrors", server.url("group/project"), LOGIN)

        with pytest.raises(SourceError):
            mirror.fetch("main")

        assert other.requests
        assert other.users == []
