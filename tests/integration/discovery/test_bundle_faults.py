"""Bad days of the server while projects are refreshed: nothing is lost, and the reason is said."""

from __future__ import annotations

import json
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider.bundles.state import StateDagBundle
from gitlab_ci_provider.discovery.opened import open_bundle
from gitlab_ci_provider.exceptions import GitlabApiError, StateError
from gitlab_ci_provider.gitlab_api import projects as listing
from gitlab_ci_provider.model.gitlab_bundle import read_bundle
from gitlab_ci_provider.renderer.problems import words_of
from gitlab_ci_provider.settings import home_settings
from integration.discovery.served import OTHER, TOKEN, Served
from servers.gate import gate
from servers.gitlab.faults import Fault, limit
from servers.repositories import git

pytestmark = pytest.mark.integration

LIST = "GET /api/v4/groups/group/projects"
SCOPE = {"error": "insufficient_scope", "scope": "api"}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(LIST, -1, status=401), r"does not accept the token \(401"),
        (limit(LIST, -1, seconds="7200"), r"limits the number of requests \(429\)"),
        (Fault(LIST, -1, refuse=True), "does not answer"),
        (Fault(LIST, -1, cut=20), "does not answer"),
    ],
    ids=["401", "429", "no answer", "cut"],
)
def test_without_a_list_of_projects_everything_stays(served: Served, fault: Fault, words: str):
    """The error says what failed and what to do; when GitLab is back, so is the refresh."""
    served.refresh()
    before = {dag: served.record(dag) for dag in served.dags()}
    sha = served.gitlab.world.projects["group/a"].push({".gitlab-ci.yml": OTHER})
    served.gitlab.faults.order(fault)

    with pytest.raises(
        GitlabApiError, match=f"cannot list the projects of group: .*{words}"
    ) as said:
        served.refresh()

    assert TOKEN not in str(said.value)
    assert {dag: served.record(dag) for dag in served.dags()} == before
    served.gitlab.faults.clear()
    served.refresh()
    assert served.record("group__a").ref.sha == sha


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(LIST, -1, status=403, body=SCOPE), "refuses (403): the token lacks a scope"),
        (Fault(LIST, -1, status=404), "does not know it (404"),
        (Fault(LIST, -1, status=500), "has failed (500"),
    ],
    ids=["403", "404", "500"],
)
def test_a_group_that_is_not_listed_keeps_its_dags(served: Served, fault: Fault, words: str):
    """It says why by an import error until it is listed again; the other groups go on."""
    served.gitlab.world.tokens[TOKEN].levels["closed"] = 20
    both = {"groups": ["group", "closed"]}
    served.refresh(**both)
    before = served.dags()
    projects = served.gitlab.world.projects
    projects["group/a"].push({".gitlab-ci.yml": OTHER})
    sha = projects["closed/c"].push({".gitlab-ci.yml": OTHER})
    kept = served.record("group__a")
    served.gitlab.faults.order(fault)

    for _ in range(2):
        assert served.refresh(**both).removed == ()

    assert served.record("closed__c").ref.sha == sha
    assert served.record("group__a") == kept
    assert served.dags() == [before[0], "group", *before[1:]]
    said = words_of(served.record("group"))
    assert f"cannot list the projects of group: GitLab at {served.gitlab.url} {words}" in said
    assert ("change `groups` of 'projects'" in said) is (fault.status == 404)
    assert TOKEN not in said
    served.gitlab.faults.clear()
    assert served.refresh(**both).removed == ("group",)
    assert served.record("group__a").ref.sha != kept.ref.sha
    assert served.dags() == before


def test_a_project_that_git_reads_again_says_no_more_that_it_does_not(served: Served):
    """Though no commit has changed meanwhile."""
    served.refresh()
    before = served.record("group__a")
    served.gitlab.world.projects["group/a"].last_activity_at = "2026-01-03T00:00:00.000Z"
    served.gitlab.faults.order(Fault(r"git-upload-pack", -1, status=401))
    served.refresh()
    assert "[source-unreadable]" in words_of(served.record("group__a"))

    served.gitlab.faults.clear()
    served.refresh()

    assert served.record("group__a") == before


@pytest.mark.parametrize("path", ["group/../a", "a", "group/a b", "group/a\n", "x" * 2000 + "/a"])
def test_a_path_that_no_gitlab_has_is_refused(served: Served, path: str):
    """It becomes a URL for git, the name of a DAG and that of Variables with secrets."""
    served.gitlab.faults.order(
        Fault(LIST, status=200, body=[{"id": 1, "path_with_namespace": path}])
    )

    with pytest.raises(GitlabApiError, match="a path that no GitLab has"):
        served.refresh()


def test_a_page_of_a_project_is_an_address(served: Served):
    """The DAG's documentation and CI_PROJECT_URL show what the server says."""
    listed = {"id": 1, "path_with_namespace": "group/a", "web_url": "javascript:alert(1)"}
    served.gitlab.faults.order(Fault(LIST, status=200, body=[listed]))

    found = served.bundle().server.all()["1"]

    assert found.web_url == f"{served.gitlab.url}/group/a"


@pytest.mark.parametrize(
    "fault",
    [
        limit(LIST, seconds="0"),
        Fault(LIST, status=500),
        Fault(LIST, refuse=True),
        Fault(LIST, cut=20),
    ],
    ids=["429", "500", "no answer", "cut"],
)
def test_what_passes_is_waited_for(served: Served, fault: Fault):
    """A request that can be repeated is."""
    served.gitlab.faults.order(fault)

    done = served.bundle(patience=60).refresh()

    assert len(done.results) == 2


def test_a_slow_server_is_waited_for(served: Served):
    """Slow is not broken."""
    gate = threading.Event()
    served.gitlab.faults.order(Fault(LIST, gate=gate))
    done: list[int] = []
    refreshing = threading.Thread(target=lambda: done.append(served.refresh().found))
    refreshing.start()
    while not served.gitlab.requests:
        refreshing.join(0.05)
    assert not done

    gate.set()
    refreshing.join()

    assert done == [2]


def test_a_token_that_is_revoked_between_two_pages_removes_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    """Half of a list is no list."""
    monkeypatch.setattr(listing, "_PAGES", {**listing._PAGES, "per_page": 1})
    served.refresh()
    before = served.dags()
    served.gitlab.faults.order(Fault(rf"{LIST}.*page=2", -1, status=401))

    with pytest.raises(GitlabApiError, match="does not accept the token"):
        served.refresh()

    assert served.dags() == before


def test_a_token_that_is_revoked_before_git_is_named_with_each_project(served: Served):
    """The DAGs stay, and say why they are not newer; afterwards they are."""
    served.refresh()
    before = served.record("group__a")
    sha = served.gitlab.world.projects["group/a"].push({".gitlab-ci.yml": OTHER})
    served.gitlab.faults.order(Fault(r"git-upload-pack", -1, status=401))

    served.refresh()

    now = served.record("group__a")
    assert (now.digest, now.ref) == (before.digest, before.ref)
    assert "[source-unreadable]" in words_of(now)
    assert TOKEN not in words_of(now)
    served.gitlab.faults.clear()
    served.refresh()
    assert (served.record("group__a").ref.sha, served.record("group__a").errors) == (sha, ())


def test_a_repository_that_does_not_answer_is_given_up(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    """Git would wait for ever, and with it the refresh; the other projects are synced."""
    served.refresh()
    projects = served.gitlab.world.projects
    projects["group/a"].push({".gitlab-ci.yml": OTHER})
    sha = projects["group/sub/deep/b"].push({".gitlab-ci.yml": OTHER})
    monkeypatch.setenv("GIT_HTTP_LOW_SPEED_TIME", "1")
    gate = threading.Event()
    served.gitlab.faults.order(Fault(r"group/a\.git", -1, gate=gate))

    served.refresh()
    gate.set()

    assert "[source-unreadable]" in words_of(served.record("group__a"))
    assert served.record("group__sub__deep__b").ref.sha == sha


def test_history_that_is_pushed_over_is_followed(served: Served):
    """After a force-push, the DAG is that of the new history."""
    project = served.gitlab.world.projects["group/a"]
    project.push({"more": "text"})
    served.refresh()
    git(project.work, "checkout", "--quiet", "--orphan", "again")
    git(project.work, "branch", "-M", "main")
    sha = project.push({".gitlab-ci.yml": OTHER})

    served.refresh()

    assert served.record("group__a").ref.sha == sha
    assert served.record("group__a").errors == ()


def test_a_commit_that_the_server_has_lost_leaves_the_dag(served: Served):
    """A broken repository is the project's problem alone."""
    project = served.gitlab.world.projects["group/a"]
    served.refresh()
    before = served.record("group__a")
    sha = project.push({".gitlab-ci.yml": OTHER})
    (project.bare / "objects" / sha[:2] / sha[2:]).unlink()
    newer = served.gitlab.world.projects["group/sub/deep/b"].push({".gitlab-ci.yml": OTHER})

    served.refresh()

    assert served.record("group__a").digest == before.digest
    assert served.record("group__sub__deep__b").ref.sha == newer


def test_a_repository_of_a_hundred_thousand_files_is_read_by_what_it_needs(served: Served):
    """Commits and folders are fetched, and of the files those that the configuration names."""
    project = served.gitlab.world.projects["group/a"]
    stream = ["blob\nmark :1\ndata 2\nx\n", f"blob\nmark :2\ndata {len(OTHER)}\n{OTHER}\n",
              "commit refs/heads/main\ncommitter A <a@b.c> 1780000000 +0000\ndata 3\nbig\n",
              "M 100644 :2 .gitlab-ci.yml\n"]  # fmt: skip
    stream += [f"M 100644 :1 d{number // 1000}/f{number}\n" for number in range(100_000)]
    command = ["git", "--git-dir", str(project.bare), "fast-import", "--quiet", "--force"]
    subprocess.run(command, input="".join(stream).encode(), check=True)
    project.act()

    served.refresh()

    assert [*served.state.snapshots.load_pipeline(served.record("group__a").digest).jobs] == [
        "other"
    ]


def test_the_dag_processor_does_not_wait_for_a_state_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Tasks wait for ten minutes; in that time it would parse no file, and look dead."""
    with gate(behind=9) as door:
        door.refuse = 503
        extra = {"endpoint_url": door.url, "bucket": "b", "path_style": True}
        away = {"conn_type": "aws", "login": "key", "password": "secret", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_AWAY", json.dumps(away))
        monkeypatch.setenv("AIRFLOW__GITLAB_CI__STATE_CONN_ID", "away")
        monkeypatch.setenv("AIRFLOW__GITLAB_CI__HOME", str(tmp_path / "home"))
        storage = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH"
        monkeypatch.setenv(storage, str(tmp_path / "bundles"))
        bundle = StateDagBundle(name="projects")
        bundle.initialize()

        with pytest.raises(StateError, match="SlowDown"):
            bundle.refresh()

        assert door.refused.total() < 30


def test_a_state_that_is_away_fails_the_refresh(served: Served, monkeypatch: pytest.MonkeyPatch):
    """With its name; a refresh that cannot store anything changes nothing."""
    extra = {"endpoint_url": "http://127.0.0.1:9", "bucket": "b", "path_style": True}
    away = {"conn_type": "aws", "login": "key", "password": "secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWAY", json.dumps(away))
    settings = replace(home_settings(served.home), state_conn_id="away", state_outage=0)

    with pytest.raises(StateError, match=r"127\.0\.0\.1:9"):
        open_bundle(read_bundle("projects", {"groups": ["group"]}), settings).refresh()
