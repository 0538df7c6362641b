"""What is wrong with one project, or with what is stored of it, is no matter of the others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gitlab_ci_provider.discovery import bundle_sync, project_sync
from gitlab_ci_provider.discovery.project_sync import ProjectSync
from gitlab_ci_provider.exceptions import GitlabApiError, StateAwayError
from gitlab_ci_provider.renderer.problems import words_of
from integration.discovery.served import OTHER, Served
from servers.gitlab.faults import Fault
from servers.repositories import git

pytestmark = pytest.mark.integration


def test_a_damaged_record_is_said_and_stops_no_other_project(served: Served):
    """As after a disk has lost it, or a version of this package that is gone has written it."""
    served.refresh()
    projects = served.gitlab.world.projects
    shas = {path: project.push({".gitlab-ci.yml": OTHER}) for path, project in projects.items()}
    stored = served.home / "state" / "snapshots" / "dags" / "group__a.json"
    stored.write_bytes(stored.read_bytes()[:20])

    done = served.refresh()

    assert served.record("group__sub__deep__b").ref.sha == shas["group/sub/deep/b"]
    said = [str(found) for result in done.results for found in result.diagnostics]
    assert len(said) == 1
    assert "group__a.json cannot be read" in said[0]
    assert "delete it" in said[0]
    stored.unlink()
    served.refresh()
    assert served.record("group__a").ref.sha == shas["group/a"]


@pytest.mark.parametrize("answer", [[{"id": 1}], [1], {"name": "main"}, [{"name": None}]])
def test_an_answer_that_is_not_gitlabs_is_said_and_stops_no_other_project(
    served: Served, answer: Any
):
    """Something between us and GitLab answers 200, and JSON of its own."""
    served.refresh()
    projects = served.gitlab.world.projects
    sha = projects["group/sub/deep/b"].push({".gitlab-ci.yml": OTHER})
    branches = rf"GET /api/v4/projects/{projects['group/a'].id}/repository/branches"
    served.gitlab.faults.order(Fault(branches, -1, status=200, body=answer))

    served.refresh(refs=["default", "protected"])

    assert served.record("group__sub__deep__b").ref.sha == sha
    assert "something that is not GitLab's" in words_of(served.record("group__a"))


@pytest.mark.parametrize("answer", [{"message": "hello"}, [{"name": "a"}], [None], "no", [[]]])
def test_a_list_of_projects_that_is_not_gitlabs_changes_nothing(served: Served, answer: Any):
    """It is an error in words, not one of ours."""
    served.refresh()
    before = served.dags()
    served.gitlab.faults.order(Fault("projects", -1, status=200, body=answer))

    with pytest.raises(GitlabApiError, match="something that is not GitLab's"):
        served.refresh()

    assert served.dags() == before


def test_a_new_project_with_the_path_of_a_deleted_one_shows_nothing_of_it(served: Served):
    """Its commits do not compile: it has no DAG, and not that of the other project."""
    served.refresh()
    served.gitlab.world.projects.pop("group/a")
    served.gitlab.world.root.joinpath("served/group/a.git").rename(served.home / "deleted")
    served.gitlab.world.add_project("group/a", {".gitlab-ci.yml": "build: [\n"})

    served.refresh()

    assert served.record("group__a").digest == ""
    assert served.record("group__a").errors


def test_a_named_project_that_is_gone_stops_no_other(served: Served):
    """Its DAG goes, as that of each project that is gone."""
    named = {"groups": [], "projects": ["group/a", "group/sub/deep/b"]}
    served.refresh(**named)
    sha = served.gitlab.world.projects["group/sub/deep/b"].push({".gitlab-ci.yml": OTHER})
    served.gitlab.world.projects.pop("group/a")

    done = served.refresh(**named)

    assert done.removed == ("group__a",)
    assert served.record("group__sub__deep__b").ref.sha == sha


def test_a_state_that_goes_away_is_not_waited_for_by_each_project(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    """Each would wait for ten minutes, four at a time."""
    for number in range(30):
        served.gitlab.world.add_project(f"group/p{number}")
    waited, over = list[object](), threading.Event()

    def away(_: ProjectSync, project: object, _known: object) -> None:
        waited.append(project)
        if len(waited) > 1:
            over.wait()
        raise StateAwayError("the store does not answer")

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            over.set()
            super().shutdown(wait=wait)

    monkeypatch.setattr(ProjectSync, "_look", away)
    monkeypatch.setattr(bundle_sync, "ThreadPoolExecutor", Pool)

    with pytest.raises(StateAwayError):
        served.refresh()

    assert len(waited) <= 1 + bundle_sync._AT_ONCE


def test_many_refs_are_synced_little_by_little(served: Served, monkeypatch: pytest.MonkeyPatch):
    """Each refresh notes what it has done, and ends: the default branch comes first."""
    monkeypatch.setattr(project_sync, "_MOST_REFS", 2)
    project = served.gitlab.world.projects["group/a"]
    for number in range(4):
        git(project.work, "tag", f"v{number}")
    git(project.work, "push", "--quiet", "--tags", str(project.bare))
    kwargs = {"refs": ["default", "tags"], "include": ["group/a"]}

    synced = [[ref.record.ref.name for ref in served.refresh(**kwargs).results if ref.record]
              for _ in range(4)]  # fmt: skip

    assert [len(names) for names in synced] == [2, 2, 1, 0]
    assert synced[0][0] == "main"
