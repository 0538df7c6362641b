"""The projects of a GitLab whose token, or whose machines, may not use git."""

from __future__ import annotations

import json

import pytest

from gitlab_ci_provider.renderer.problems import words_of
from integration.discovery.served import OTHER, TOKEN, Served
from servers.gitlab.faults import Fault
from servers.repositories import git

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def by_api(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the connection read by the API, with a token that git does not accept."""
    served.gitlab.world.tokens[TOKEN].scopes = ("read_api",)
    connection = {"conn_type": "gitlab", "host": served.gitlab.url, "password": TOKEN}
    extra = {"repositories": "api"}
    monkeypatch.setenv("AIRFLOW_CONN_GITLAB_DEFAULT", json.dumps({**connection, "extra": extra}))


def test_projects_become_dags_without_git(served: Served):
    """The first time, after a push, and when nothing has changed."""
    first = served.refresh()
    assert [result.ok for result in first.results] == [True, True]
    assert served.asked()[1] == 0

    sha = served.gitlab.world.projects["group/a"].push({".gitlab-ci.yml": OTHER})
    served.refresh()
    assert served.record("group__a").ref.sha == sha
    assert served.asked() == (6, 0)

    served.refresh()
    assert served.asked() == (3, 0), "a project with an activity is asked for its newest commit"


def test_what_a_pipeline_is_made_of_is_read_by_the_api(served: Served):
    """Its own files by name and by pattern, those of other projects, and its children."""
    main = """
include: [{local: "ci/*.yml"}, {project: group/sub/deep/b, file: .gitlab-ci.yml}]
child: {trigger: {include: child.yml}}
"""
    files = {".gitlab-ci.yml": main, "ci/one.yml": OTHER, "child.yml": OTHER}
    served.gitlab.world.projects["group/a"].push(files)

    served.refresh()

    jobs = served.state.snapshots.load_pipeline(served.record("group__a").digest).jobs
    assert {*jobs} == {"other", "build", "child"}
    assert served.dags() == ["group__a", "group__a...child", "group__sub__deep__b"]
    assert served.asked()[1] == 0


def test_refs_are_listed_by_the_api(served: Served):
    """Branches, tags and merge requests have DAGs where their jobs differ."""
    project = served.gitlab.world.projects["group/a"]
    git(project.work, "checkout", "--quiet", "-b", "feature-x", "main")
    sha = project.push({".gitlab-ci.yml": OTHER})
    request = {"id": 1, "iid": 7, "state": "opened", "sha": sha}
    project.things["merge_requests"] = [request]

    served.refresh(refs=["default", "feature-*", "merge_requests"])

    assert [dag.partition("..")[2][:8] for dag in served.dags() if ".." in dag] == [
        "feature-",
        "refs-mer",
    ]


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_refusal_removes_no_dag(served: Served, status: int):
    """A file that cannot be read is not a file that was removed; the DAG says what is wrong."""
    served.refresh()
    before = served.record("group__a")
    served.gitlab.world.projects["group/a"].push({".gitlab-ci.yml": OTHER})
    served.gitlab.faults.order(Fault("/repository/", -1, status=status))

    done = served.refresh()

    assert done.removed == ()
    assert served.record("group__a").digest == before.digest
    assert f"({status}" in words_of(served.record("group__a"))
    assert TOKEN not in words_of(served.record("group__a"))
