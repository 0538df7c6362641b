"""Repositories as a person names them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider.discovery.repositories import clone_url, project_of
from gitlab_ci_provider.discovery.sync import Sync
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.settings import home_settings
from gitlab_ci_provider.state import open_state
from servers.repositories import git


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://gitlab.example.com/group/sub/project.git", "group/sub/project"),
        ("https://user:secret@gitlab.example.com/group/project", "group/project"),
        ("http://127.0.0.1:8000/project.git", "local/project"),
        ("ssh://git@example.com:2222/group/project.git", "group/project"),
        ("git@gitlab.example.com:group/project.git", "group/project"),
        ("file:///srv/repositories/My%20Project", "local/My-Project"),
        ("file:///srv/project/.git", "local/project"),
    ],
)
def test_a_project_has_the_path_of_its_url(url: str, path: str):
    """The path is GitLab's where there is one, else `local/` and the folder's name."""
    assert project_of(url, "main").path == path


def test_a_project_keeps_no_credentials():
    """User and password of a URL never reach a record."""
    project = project_of("https://user:secret@example.com/group/project", "main")

    assert "secret" not in project.clone_url


def test_a_folder_inside_a_repository_is_the_repository(tmp_path: Path):
    """Like git, the command works from any folder of a working copy."""
    git(tmp_path, "init", "-q")
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)

    assert clone_url(str(inside)) == tmp_path.as_uri()


def test_a_bare_repository_is_a_repository(tmp_path: Path):
    """A bare repository has no .git folder."""
    bare = tmp_path / "bare.git"
    git(tmp_path, "init", "-q", "--bare", str(bare))

    assert clone_url(str(bare)) == bare.as_uri()


def test_a_plain_folder_is_refused_with_a_way_out(tmp_path: Path):
    """The error says that it is not a repository, and what to do."""
    with pytest.raises(SourceError, match="git init"):
        clone_url(str(tmp_path))


def test_urls_stay_as_they_are():
    """A URL is git's business."""
    assert clone_url("https://example.com/p.git") == "https://example.com/p.git"


@pytest.mark.parametrize(
    ("url", "page"),
    [
        (
            "https://me:pw@git.example.com/group/project.git",
            "https://git.example.com/group/project",
        ),
        ("http://h:8080/group/project/", "http://h:8080/group/project"),
        ("ssh://git@example.com/group/project.git", ""),
        ("file:///srv/project/.git", ""),
    ],
)
def test_a_project_on_a_server_has_its_page_there(url: str, page: str):
    """CI_PROJECT_URL and all of CI_SERVER_ and CI_API_ come from it."""
    assert project_of(url, "main").web_url == page


def test_no_project_takes_the_place_of_another(tmp_path: Path):
    """A second one of a path gets another, also where somebody has named a project like that."""
    state = open_state(home_settings(tmp_path))
    sync = Sync(state, tmp_path / "mirrors")
    first, second, third = (project_of(f"https://{host}.example/g/p", "main") for host in "abc")

    def keep(path: str, url: str) -> None:
        project = replace(first, path=path, clone_url=url)
        ref = Ref(name="main", sha="a" * 40)
        state.holds.replace(DagRecord(dag_id=dag_id(path), project=project, ref=ref))

    keep("g/p", first.clone_url)
    placed = sync.place(second).path
    keep(placed, third.clone_url)

    assert sync.place(first).path == "g/p"
    assert sync.place(second).path not in {"g/p", placed}
