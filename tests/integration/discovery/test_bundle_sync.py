"""The projects of a GitLab as DAGs: found by the API, read by git, kept as they change."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider.discovery.open_sync import open_sync
from gitlab_ci_provider.discovery.opened import BUNDLE_CLASS
from gitlab_ci_provider.renderer.problems import words_of
from gitlab_ci_provider.settings import home_settings
from integration.discovery.served import JOB, OTHER, Served
from processes.waiting import wait_until
from servers.gitlab.faults import Fault
from servers.gitlab.world import NOW
from servers.repositories import commit, git, make_repository

pytestmark = pytest.mark.integration


def test_the_projects_of_a_group_become_dags(served: Served):
    """With all of its subgroups; the record says which project of which GitLab it is."""
    done = served.refresh()

    assert served.dags() == ["group__a", "group__sub__deep__b"]
    assert (done.found, [result.ok for result in done.results]) == (2, [True, True])
    project = served.record("group__sub__deep__b").project
    assert project.path == "group/sub/deep/b"
    assert project.id == served.gitlab.world.projects["group/sub/deep/b"].id
    assert project.gitlab_conn_id == "gitlab_default"
    assert project.clone_url == f"{served.gitlab.url}/group/sub/deep/b.git"


def test_what_has_not_changed_costs_a_request_for_each_page(served: Served):
    """No git, nothing is compiled, and nothing is written."""
    served.refresh()
    served.asked()

    done = served.refresh()

    assert (done.looked, done.results) == (0, ())
    assert served.asked() == (1, 0)


def test_a_push_is_seen_though_gitlab_does_not_note_it(served: Served):
    """GitLab notes activities once an hour: until two have passed, the commit itself is asked."""
    project = served.gitlab.world.projects["group/a"]
    project.push({".gitlab-ci.yml": JOB})
    served.refresh()
    noted = project.last_activity_at
    project.push({".gitlab-ci.yml": OTHER})
    assert project.last_activity_at == noted

    done = served.refresh()

    assert (done.looked, len(done.results)) == (1, 1)
    assert (
        served.record("group__a").ref.sha
        == (project.git("rev-parse", "main") or b"").decode().strip()
    )


def test_another_default_branch_is_seen(served: Served):
    """Choosing it is no activity in GitLab, also long after the last push."""
    project = served.gitlab.world.projects["group/a"]
    git(project.work, "checkout", "--quiet", "-b", "next")
    sha = project.push({".gitlab-ci.yml": OTHER})
    project.last_activity_at = NOW
    served.refresh()
    assert served.refresh().looked == 0

    project.git("symbolic-ref", "HEAD", "refs/heads/next")
    project.default_branch = "next"
    served.refresh()

    ref = served.record("group__a").ref
    assert (ref.name, ref.sha) == ("next", sha)
    assert served.refresh().looked == 0


def test_a_project_that_does_not_compile_keeps_its_dag(served: Served):
    """Its diagnostics are kept with file and line, and the others go on."""
    served.refresh()
    before = served.record("group__a")
    world = served.gitlab.world
    world.projects["group/a"].push({".gitlab-ci.yml": "build:\n  skript: make\n"})
    world.projects["group/sub/deep/b"].push({".gitlab-ci.yml": OTHER})

    served.refresh()

    broken = served.record("group__a")
    assert broken.digest == before.digest
    assert ".gitlab-ci.yml:1:1: error [job-nothing-to-do]" in words_of(broken)
    assert "stays that of the last commit without errors" in words_of(broken)
    assert served.record("group__sub__deep__b").errors == ()
    assert served.refresh().results == (), "a commit that does not compile is compiled once"


def test_a_project_that_never_compiled_says_so(served: Served):
    """There is no DAG, and the reason is kept."""
    served.gitlab.world.add_project("group/new", {".gitlab-ci.yml": "build: [\n"})

    served.refresh()

    assert served.record("group__new").digest == ""
    assert "There is no DAG group__new until" in words_of(served.record("group__new"))


def test_projects_without_a_pipeline_have_no_dag(served: Served):
    """Without commits, without the file, archived, or with CI/CD switched off: that is no error."""
    world = served.gitlab.world
    world.add_project("group/empty")
    world.add_project("group/plain", {"README.md": "hello"})
    world.add_project("group/old", {".gitlab-ci.yml": JOB}, archived=True)
    world.add_project("group/off", {".gitlab-ci.yml": JOB}, builds="disabled")

    done = served.refresh()

    assert served.dags() == ["group__a", "group__sub__deep__b"]
    assert all(result.diagnostics == () for result in done.results)


@pytest.mark.parametrize("how", ["deleted", "archived", "switched off", "without the file"])
def test_the_dag_of_a_project_that_is_gone_is_removed(served: Served, how: str):
    """Unless a run holds it: then a later refresh removes it."""
    served.refresh()
    held = served.record("group__a")
    assert served.state.holds.take("group__a", "run", held.digest)
    project = served.gitlab.world.projects["group/a"]
    if how == "deleted":
        served.gitlab.world.projects.pop("group/a")
    elif how == "without the file":
        (project.work / ".gitlab-ci.yml").unlink()
        project.push({})
    else:
        project.archived, project.builds = how == "archived", "disabled"

    assert served.refresh().removed == ()
    assert served.record("group__a").digest == held.digest

    served.state.holds.drop("group__a", "run")
    assert served.refresh().removed == ("group__a",)
    assert served.dags() == ["group__sub__deep__b"]
    found = served.state.discovered.of("projects")
    assert found
    assert found.dag_ids == {"group__sub__deep__b"}


def test_a_project_that_was_renamed_or_moved_has_its_dag_under_the_new_name(served: Served):
    """It is known by its number; what stays at the old path is another project."""
    served.refresh()
    served.gitlab.world.move("group/a", "group/sub/renamed")
    served.gitlab.world.add_project("group/a", {".gitlab-ci.yml": OTHER})

    served.refresh()

    assert served.dags() == ["group__a", "group__sub__deep__b", "group__sub__renamed"]
    jobs = {name: [*served.state.snapshots.load_pipeline(served.record(name).digest).jobs]
            for name in ("group__a", "group__sub__renamed")}  # fmt: skip
    assert jobs == {"group__a": ["other"], "group__sub__renamed": ["build"]}


def test_a_dag_that_a_run_holds_shows_the_next_commit_when_the_run_has_ended(served: Served):
    """Until then another DAG has the new jobs; nothing is compiled again meanwhile."""
    served.refresh()
    held = served.record("group__a")
    served.state.holds.take("group__a", "run", held.digest)
    sha = served.gitlab.world.projects["group/a"].push({".gitlab-ci.yml": OTHER})

    served.refresh()
    assert served.record("group__a") == held
    assert [dag.startswith("group__a..commits-") for dag in served.dags()][1]
    assert served.refresh().results == ()

    served.state.holds.drop("group__a", "run")
    served.refresh()
    assert served.record("group__a").ref.sha == sha
    assert served.refresh().results == ()


def test_most_projects_are_not_removed_at_once(served: Served):
    """A token that has lost its role sees the same as if all were deleted."""
    for number in range(10):
        served.gitlab.world.add_project(f"group/p{number}", {".gitlab-ci.yml": JOB})
    served.refresh()
    before = served.dags()
    assert len(before) == 12
    for path in [path for path in served.gitlab.world.projects if path.startswith("group/p")]:
        served.gitlab.world.projects.pop(path)

    done = served.refresh()
    assert (done.kept, done.removed, served.dags()) == (10, (), before)

    assert len(served.bundle().refresh(remove_many=True).removed) == 10


def test_a_project_has_its_configuration_where_gitlab_is_told(served: Served):
    """In another file, or in a file of another project at a ref."""
    world = served.gitlab.world
    world.projects["group/a"].push({"ci/own.yml": OTHER})
    world.projects["group/a"].config_path = "ci/own.yml"
    world.projects["group/sub/deep/b"].config_path = "ci/own.yml@group/a:main"

    served.refresh()

    for dag in served.dags():
        assert [*served.state.snapshots.load_pipeline(served.record(dag).digest).jobs] == ["other"]
    lock = served.state.snapshots.load_pipeline(served.record("group__sub__deep__b").digest).lock
    assert [included.file for included in lock] == ["group/a:ci/own.yml"]


@pytest.mark.parametrize(
    ("refs", "parts"),
    [
        (["default"], []),
        (["default", "tags"], ["v1"]),
        (["default", "protected"], ["stable"]),
        (["default", "feature-*"], ["feature-x"]),
        (["default", "merge_requests"], ["refs-merge-requests-7-he-"]),
    ],
)
def test_which_refs_have_dags(served: Served, refs: list[str], parts: list[str]):
    """Each kind of ref, where its jobs differ; closed merge requests do not count."""
    project = served.gitlab.world.projects["group/a"]
    for name in ("stable", "feature-x", "unseen"):
        git(project.work, "checkout", "--quiet", "-b", name, "main")
        project.push(
            {".gitlab-ci.yml": JOB.replace("build", name)}, tag="v1" if name == "unseen" else ""
        )
    project.protected = ("main", "stable")
    for number in (7, 8):
        git(
            project.work,
            "push",
            "--quiet",
            str(project.bare),
            f"stable:refs/merge-requests/{number}/head",
        )
    project.things["merge_requests"] = [
        {"id": 1, "iid": 7, "state": "opened"}, {"id": 2, "iid": 8, "state": "closed"}]  # fmt: skip

    served.refresh(refs=refs, projects=["group/a"], groups=[])
    found = [dag.partition("..")[2] for dag in served.dags() if ".." in dag]

    assert [name.startswith(part) for name, part in zip(found, parts, strict=True)] == [True] * len(
        parts
    )
    served.asked()
    again = served.refresh(refs=refs, projects=["group/a"], groups=[])
    assert again.results == ()


def test_one_project_is_synced_when_something_tells_of_a_push(served: Served):
    """By its number or path, if the bundle has it; changed or not."""
    served.refresh()
    project = served.gitlab.world.projects["group/a"]
    sha = project.push({".gitlab-ci.yml": OTHER})

    results = served.bundle().one(project.id)

    assert results
    assert [result.ok for result in results] == [True]
    assert served.record("group__a").ref.sha == sha
    assert served.bundle().one("group/a")
    assert served.bundle().one("closed/c") is None


def test_a_project_that_is_synced_by_its_url_stays_what_it_is(served: Served):
    """Its number, its connection and the place of its configuration are kept."""
    project = served.gitlab.world.projects["group/a"]
    project.push({"ci/own.yml": OTHER})
    project.config_path = "ci/own.yml"
    served.refresh()
    found = served.record("group__a")
    sha = project.push({"ci/own.yml": JOB})

    settings = replace(home_settings(served.home), git_conn_ids="gitlab_default")
    assert open_sync(settings).one(found.project.clone_url).ok

    assert served.record("group__a").project == found.project
    assert served.record("group__a").ref.sha == sha
    jobs = served.state.snapshots.load_pipeline(served.record("group__a").digest).jobs
    assert [*jobs] == ["build"]


def test_git_repositories_need_no_api(served: Served):
    """The same bundle over a list of URLs: what has changed is compiled, what is not there said."""
    urls = [f"{served.gitlab.url}/{path}.git" for path in ("group/a", "group/gone")]
    done = served.refresh(urls=urls, groups=[])

    assert served.asked()[0] == 0
    assert sorted(result.ok for result in done.results) == [False, True]
    assert "source-unreadable" in words_of(served.record("group__gone"))

    sha = served.gitlab.world.projects["group/a"].push({".gitlab-ci.yml": OTHER})
    served.refresh(urls=urls, groups=[])
    assert served.record("group__a").ref.sha == sha


def test_a_path_that_is_gone_stops_no_other_repository(served: Served, tmp_path: Path):
    """Its DAG stays, says so, and is that of the repository again once it is back."""
    shop, gone = tmp_path / "s", tmp_path / "g"
    for folder in (shop, gone):
        make_repository(folder, {".gitlab-ci.yml": JOB})
    listed = {"urls": [str(gone), str(shop)], "groups": []}
    served.refresh(**listed)
    kept = served.record("local__g")
    sha = commit(shop, {".gitlab-ci.yml": OTHER}, "change")
    gone.rename(tmp_path / "away")

    assert served.refresh(**listed).removed == ()

    assert served.record("local__s").ref.sha == sha
    assert served.record("local__g").digest == kept.digest
    assert f"{gone}: no such directory" in words_of(served.record("local__g"))
    (tmp_path / "away").rename(gone)
    served.refresh(**listed)
    assert served.record("local__g") == kept


def test_a_project_in_two_bundles_is_shown_by_the_first(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    """The second one says so, and neither of them takes the other's DAG away."""
    config = [{"name": name, "classpath": BUNDLE_CLASS} for name in ("sub", "all")]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(config))
    assert len(served.refresh(name="all").results) == 2
    served.refresh(name="sub", groups=["group/sub"])

    done = served.refresh(name="all")

    assert (done.elsewhere, done.removed) == (("group/sub/deep/b",), ())
    found = [served.state.discovered.of(name) for name in ("sub", "all")]
    assert [sorted(one.dag_ids) for one in found if one] == [["group__sub__deep__b"], ["group__a"]]
    assert served.dags() == ["group__a", "group__sub__deep__b"]
    assert served.bundle(name="all").one("group/sub/deep/b") is None

    served.refresh(name="sub", groups=["group/sub"], exclude=["*"])
    assert served.refresh(name="all").elsewhere == ()
    assert served.dags() == ["group__a", "group__sub__deep__b"]


def test_a_bundle_shows_nothing_before_its_first_projects_are_synced(served: Served):
    """While the first refresh goes on, Airflow must not see a bundle without projects."""
    gate = threading.Event()
    served.gitlab.faults.order(Fault("git-upload-pack", -1, gate=gate))
    refreshing = threading.Thread(target=served.refresh)
    refreshing.start()
    wait_until(lambda: any("git-upload-pack" in one for one in served.gitlab.requests), "git")
    seen = served.state.discovered.of("projects")
    gate.set()
    refreshing.join()

    assert seen is None
    assert served.state.discovered.of("projects")
