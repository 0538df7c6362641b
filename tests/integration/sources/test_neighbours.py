"""Pipelines that include files of other projects, on a real git server over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitlab_ci_provider.discovery.sync import Sync, SyncResult
from gitlab_ci_provider.model.git_login import GitLogin
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from servers.git_http import GitServer, git_server
from servers.repositories import commit, git, make_repository

pytestmark = pytest.mark.integration

TOKEN = "glpat-of-the-group"
JOB = "from-lib: {{script: echo {}}}\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A server with a library that has two released versions and a newer main."""
    library = tmp_path / "served" / "tools" / "lib"
    make_repository(library, {"ci.yml": JOB.format("one"), "templates/c.yml": JOB.format("one")})
    git(library, "tag", "1.0.0")
    commit(library, {"templates/c.yml": JOB.format("two")}, "two")
    git(library, "tag", "1.1.0")
    commit(library, {"ci.yml": JOB.format("newest")}, "newest")
    with git_server(tmp_path / "served", token=TOKEN) as running:
        yield running


def script_of(server: GitServer, tmp_path: Path, config: str) -> tuple[SyncResult, tuple[str, ...]]:
    make_repository(tmp_path / "served" / "group" / "app", {".gitlab-ci.yml": config})
    state = open_state(Settings(home=tmp_path))
    sync = Sync(state, tmp_path / "mirrors", logins=lambda _: GitLogin(password=TOKEN))
    result = sync.one(server.url("group/app"))
    if result.digest is None:
        return result, ()
    return result, state.snapshots.load_pipeline(result.digest).jobs["from-lib"].script.main


@pytest.mark.parametrize(
    ("include", "script"),
    [
        ("{project: tools/lib, file: ci.yml}", "echo newest"),
        ("{project: tools/lib, file: ci.yml, ref: 1.0.0}", "echo one"),
        ("{component: 127.0.0.1/tools/lib/c@1}", "echo two"),
        ("{component: 127.0.0.1/tools/lib/c@~latest}", "echo two"),
        ("{component: 127.0.0.1/tools/lib/c@1.0.0}", "echo one"),
    ],
)
def test_other_projects_are_read_from_the_same_server(
    server: GitServer, tmp_path: Path, include: str, script: str
):
    """`include:project` and components come from the repository's own server, with its login."""
    host = server.url("").split("/")[2]
    include = include.replace("127.0.0.1", host)

    result, found = script_of(server, tmp_path, f"include:\n  - {include}\n")

    assert (found, result.diagnostics) == ((script,), ())


@pytest.mark.parametrize(
    ("include", "words"),
    [
        ("{project: tools/lib, file: ci.yml, ref: nope}", "reference `nope` does not exist!"),
        ("{project: tools/none, file: ci.yml}", "tools/none"),
        ("{project: ../../etc, file: ci.yml}", "cannot derive the address of project"),
        ("{remote: 'https://127.0.0.1/ci.yml'}", "include_hosts"),
        ("{template: Auto-DevOps.gitlab-ci.yml}", "include_hosts"),
    ],
)
def test_what_cannot_be_included_is_said(
    server: GitServer, tmp_path: Path, include: str, words: str
):
    """Each one is a diagnostic of this repository, without the token."""
    result, _ = script_of(server, tmp_path, f"include:\n  - {include}\njob: {{script: 'true'}}\n")

    said = "\n".join(f"{one} {one.hint}" for one in result.diagnostics)
    assert not result.ok
    assert words in said
    assert TOKEN not in said


def test_beside_a_repository_on_this_machine(tmp_path: Path):
    """For a local repository, other projects are the folders next to it."""
    make_repository(tmp_path / "lib", {"ci.yml": JOB.format("beside")})
    config = "include: {project: tools/lib, file: ci.yml}\n"
    make_repository(tmp_path / "app", {".gitlab-ci.yml": config})
    state = open_state(Settings(home=tmp_path))

    result = Sync(state, tmp_path / "mirrors").one((tmp_path / "app").as_uri())

    assert result.digest is not None
    assert state.snapshots.load_pipeline(result.digest).jobs["from-lib"].script.main == (
        "echo beside",
    )
