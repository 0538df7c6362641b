"""Files of other projects through GitLab's API, and how a pipeline remembers them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from factories import try_compile
from gitlab_ci_provider.discovery.sync import Sync
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.hooks.git_login import git_login, gitlab_of
from gitlab_ci_provider.hooks.repositories import elsewhere as reachable
from gitlab_ci_provider.model.pipeline import Included
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.sources.gitlab import GitlabElsewhere
from gitlab_ci_provider.state import open_state
from servers.gitlab.faults import Fault
from servers.gitlab.server import GitLab, gitlab_server

pytestmark = pytest.mark.integration

TOKEN = "glpat-of-includes"
JOB = "job: {script: x}\n"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[GitLab]:
    """A project with releases, a template, and one that the token may not see."""
    with gitlab_server(tmp_path) as running:
        world = running.world
        other = world.add_project("group/other", {"ci/a.yml": JOB, "templates/c.yml": JOB})
        world.add_project("closed/one", {"ci/a.yml": JOB})
        for version in ("1.2.9", "1.2.10", "2.0.0"):
            other.push({"ci/version.yml": f"v: {{script: {version}}}\n"}, tag=version)
        other.things["releases"] = [{"tag_name": name} for name in ("1.2.9", "1.2.10")]
        other.push({"ci/later.yml": JOB})
        world.templates["Pages/Plain"] = "pages: {script: make}\n"
        world.add_token(TOKEN, levels={"group": 20}, scopes=("read_api",))
        yield running


def elsewhere(served: GitLab, token: str = TOKEN, patience: float = 0) -> GitlabElsewhere:
    return GitlabElsewhere(GitLabServer(url=served.url, token=token, patience=patience))


def test_files_of_a_project(served: GitLab):
    """A project at its default branch gives files and their list, pinned to a commit."""
    found = elsewhere(served).project("group/other", None)
    assert found

    head = served.world.projects["group/other"].git("rev-parse", "main")
    assert found.sha.encode() == (head or b"").strip()
    assert found.files.read("ci/a.yml") == JOB.encode()
    assert found.files.read("absent.yml") is None
    assert "ci/later.yml" in found.files.paths()


@pytest.mark.parametrize("ref", ["~latest", "1", "1.2", "1.2.10"])
def test_versions_are_releases(served: GitLab, ref: str):
    """Partial versions mean the newest release that fits; a tag that is not released is none."""
    found = elsewhere(served).project("group/other", ref)
    assert found

    assert found.version == "1.2.10"
    assert found.files.read("ci/version.yml") == b"v: {script: 1.2.10}\n"


@pytest.mark.parametrize(("token", "path"), [("", "group/other"), (TOKEN, "closed/one")])
def test_what_must_not_be_read_is_not_there(served: GitLab, token: str, path: str):
    """Without access a project looks absent."""
    assert elsewhere(served, token).project(path, None) is None


def test_a_token_that_is_not_accepted_is_told(served: GitLab):
    """It would look as if the project were not there."""
    with pytest.raises(SourceError, match="does not accept the token"):
        elsewhere(served, "glpat-nonsense").project("group/other", None)


def test_a_ref_that_does_not_exist_is_told(served: GitLab):
    """In GitLab's words."""
    with pytest.raises(SourceError, match="`group/other` reference `nope` does not exist!"):
        elsewhere(served).project("group/other", "nope")


def test_a_failing_server_is_told(served: GitLab):
    """An answer that is neither yes nor no."""
    served.faults.order(Fault(status=500, times=-1))

    with pytest.raises(SourceError, match=r"cannot read group/other: GitLab at .* has failed"):
        elsewhere(served).project("group/other", None)


def test_a_moment_of_failure_is_survived(served: GitLab):
    """Reading is repeated, also when a file's bytes were cut."""
    served.faults.order(Fault("raw", cut=3))
    found = elsewhere(served, patience=60).project("group/other", None)
    assert found

    assert found.files.read("ci/a.yml") == JOB.encode()


def test_templates_are_those_of_the_server(served: GitLab):
    """By the API, or from the project of GitLab where the server has it."""
    served.world.add_project(
        "gitlab-org/gitlab", {"lib/gitlab/ci/templates/Jobs/Build.gitlab-ci.yml": JOB},
        visibility="public",
    )  # fmt: skip
    found = elsewhere(served)

    assert found.template("Pages/Plain.gitlab-ci.yml") == b"pages: {script: make}\n"
    assert found.template("Jobs/Build.gitlab-ci.yml") == JOB.encode()
    assert found.template("Jobs/None.gitlab-ci.yml") is None


def test_a_pipeline_remembers_what_it_was_made_of(served: GitLab):
    """Each file from elsewhere with its commit and version; what has no commit, by its content."""
    main = """
include:
  - {project: group/other, file: [ci/a.yml, ci/version.yml], ref: 1.2.9}
  - {component: $CI_SERVER_FQDN/group/other/c@~latest}
  - {template: Pages/Plain.gitlab-ci.yml}
"""
    other = served.world.projects["group/other"]
    commits = {tag: (other.git("rev-parse", tag) or b"").decode().strip()
               for tag in ("1.2.9", "1.2.10")}  # fmt: skip

    result = try_compile(main, None, elsewhere(served))

    assert result.pipeline
    assert result.pipeline.lock[:3] == (
        Included(file="group/other:ci/a.yml", asked="1.2.9", sha=commits["1.2.9"], version="1.2.9"),
        Included(
            file="group/other:ci/version.yml", asked="1.2.9", sha=commits["1.2.9"], version="1.2.9"
        ),
        Included(
            file="group/other:templates/c.yml",
            asked="~latest",
            sha=commits["1.2.10"],
            version="1.2.10",
        ),
    )
    template = result.pipeline.lock[3]
    assert template.file == "template:Pages/Plain.gitlab-ci.yml"
    assert template.sha.startswith("sha256:")


def test_sync_and_runs_include_by_the_api_of_the_repositorys_gitlab(
    served: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """With a connection of the type `gitlab` for its server, which is git's login as well."""
    served.world.tokens[TOKEN].scopes = ("api",)
    main = "include: {component: $CI_SERVER_FQDN/group/other/c@1}\nj: {script: x}\n"
    served.world.add_project("group/shop", {".gitlab-ci.yml": main})
    value = {"conn_type": "gitlab", "host": served.url, "password": TOKEN}
    monkeypatch.setenv("AIRFLOW_CONN_GITLAB_CI_GIT", json.dumps(value))
    settings = Settings(home=tmp_path / "home")
    ids, url = settings.git_conn_ids, f"{served.url}/group/shop.git"

    result = Sync(
        open_state(settings),
        tmp_path / "mirrors",
        logins=lambda at: git_login(at, ids),
        gitlab=lambda at: gitlab_of(at, ids),
    ).one(url)

    assert result.diagnostics == ()
    assert result.record
    (included,) = open_state(settings).snapshots.load_pipeline(result.digest or "").lock
    assert (included.asked, included.version) == ("1", "1.2.10")
    found = reachable(result.record.project, settings).project("group/other", "~latest")
    assert found
    assert found.version == "1.2.10"
