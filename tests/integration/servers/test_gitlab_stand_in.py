"""The stand-in for GitLab is as strict as the real one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from gitlab.client import Gitlab
from gitlab.exceptions import GitlabCreateError, GitlabError, GitlabGetError

from servers.gitlab.call import ROUTES, Answer, Call, Route
from servers.gitlab.contract import UNDESCRIBED_ROUTES, Contract, facts, name_of
from servers.gitlab.faults import Fault, limit
from servers.gitlab.server import GitLab, gitlab_server

pytestmark = pytest.mark.integration

MAINTAINER, DEVELOPER, REPORTER = 40, 30, 20
FILES = {".gitlab-ci.yml": "test: {script: make test}\n", "ci/a.yml": "a: {script: 'true'}\n"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[GitLab]:
    """A group with subgroups, and tokens of several kinds."""
    with gitlab_server(tmp_path) as running:
        world = running.world
        world.add_project("shop/web/site", FILES, topics=("airflow",))
        world.add_project("shop/api", FILES)
        world.add_project("other/secret", FILES)
        world.add_token("maintainer", levels={"shop": MAINTAINER})
        world.add_token("reader", levels={"shop": REPORTER}, scopes=("read_api",))
        world.add_token("oauth", kind="oauth", levels={"shop": MAINTAINER})
        world.add_token("job", kind="job", levels={"shop/api": DEVELOPER})
        yield running


def client(served: GitLab, token: str = "maintainer") -> Gitlab:
    return Gitlab(served.url, private_token=token)


def get(served: GitLab, path: str, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(f"{served.url}/api/v4{path}", headers=named, timeout=30)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"PRIVATE_TOKEN": "maintainer"}, 200),
        ({"Authorization": "Bearer oauth"}, 200),
        ({"Authorization": "Bearer maintainer"}, 200),
        ({"PRIVATE_TOKEN": "oauth"}, 401),
        ({"PRIVATE_TOKEN": "nonsense"}, 401),
        ({"PRIVATE_TOKEN": "job"}, 401),
        ({"JOB_TOKEN": "job"}, 404),
        ({"JOB_TOKEN": "maintainer"}, 404),
        ({}, 404),
    ],
)
def test_each_kind_of_token_has_its_header(served: GitLab, headers: dict[str, str], status: int):
    """A token in the header of another kind is refused; job tokens count in few places."""
    assert get(served, "/projects/shop%2Fapi/variables", **headers).status_code == status


def test_a_job_token_describes_its_job(served: GitLab):
    """That is one of the few places that take job tokens."""
    assert get(served, "/job", JOB_TOKEN="job").json()["name"] == "test"


@pytest.mark.parametrize("state", ["revoked", "expired"])
def test_a_token_that_has_ended_is_named(served: GitLab, state: str):
    """GitLab says why a token is no longer valid."""
    served.world.add_token("old", levels={"shop": MAINTAINER}, **{state: True})

    answer = get(served, "/projects", PRIVATE_TOKEN="old")

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert state in answer.json()["error_description"]


def test_scopes_and_access_levels_hold(served: GitLab):
    """Scopes limit what a token does, levels what its user does; the rest is not there."""
    reader = client(served, "reader").projects.get("shop/api")

    with pytest.raises(GitlabError) as level:
        reader.variables.list(get_all=True)
    with pytest.raises(GitlabError) as scope:
        reader.variables.create({"key": "A", "value": "b"})
    with pytest.raises(GitlabGetError) as unseen:
        client(served).projects.get("other/secret")

    assert "403 Forbidden" in str(level.value)
    assert scope.value.response_code == 403
    assert b"insufficient_scope" in (scope.value.response_body or b"")
    assert unseen.value.response_code == 404


def test_lists_are_read_page_by_page(served: GitLab):
    """By offset with totals, and by keyset with a link to the next page."""
    for number in range(5):
        served.world.add_project(f"many/p{number}")
    served.world.add_token("all", levels={"many": REPORTER})
    asking = client(served, "all")

    offset = asking.projects.list(per_page=2, iterator=True)
    keyset = asking.projects.list(
        per_page=2, iterator=True, pagination="keyset", order_by="id", sort="asc"
    )

    assert offset.total == 5
    assert [project.path for project in offset] == ["p4", "p3", "p2", "p1", "p0"]
    assert [project.path for project in keyset] == ["p0", "p1", "p2", "p3", "p4"]
    assert any("id_after=" in request for request in served.requests)


def test_a_keyset_needs_its_order(served: GitLab):
    """Projects are read by keyset in the order of their numbers only."""
    answer = get(served, "/projects?pagination=keyset", PRIVATE_TOKEN="maintainer")

    assert answer.status_code == 405
    assert get(served, "/projects?page=9999&per_page=100").status_code == 405


def test_groups_are_nested(served: GitLab):
    """A group lists its own projects, and those of subgroups when that is asked for."""
    group = client(served).groups.get("shop")

    own = [project.path for project in group.projects.list(get_all=True)]
    every = [one.path for one in group.projects.list(get_all=True, include_subgroups=True)]

    assert (own, sorted(every)) == (["api"], ["api", "site"])
    assert [one.full_path for one in group.descendant_groups.list(get_all=True)] == ["shop/web"]


def test_the_repository_is_read_through_the_api(served: GitLab):
    """Branches, tags, commits, trees and files are those of real git."""
    sha = served.world.projects["shop/api"].push({"ci/b.yml": "b: {}\n"}, tag="v1.0.0")
    project = client(served).projects.get("shop/api")

    tree = project.repository_tree(recursive=True, get_all=True)

    assert project.commits.get("main").id == sha
    assert [branch.name for branch in project.branches.list(get_all=True)] == ["main"]
    assert [tag.target for tag in project.tags.list(get_all=True)] == [sha]
    assert [entry["path"] for entry in tree if entry["type"] == "blob"] == [
        ".gitlab-ci.yml", "ci/a.yml", "ci/b.yml",
    ]  # fmt: skip
    assert project.files.raw("ci/b.yml", ref=sha) == b"b: {}\n"
    assert project.files.get("ci/b.yml", ref="main").decode() == b"b: {}\n"


def test_what_is_stored_comes_back(served: GitLab):
    """Variables of several scopes, environments, deployments, releases, hooks, notes, schedules."""
    project = client(served).projects.get("shop/api")
    project.variables.create({"key": "A", "value": "x", "environment_scope": "prod"})
    project.variables.create({"key": "A", "value": "y"})
    environment = project.environments.create({"name": "prod"})
    project.releases.create({"tag_name": "v1", "name": "One", "ref": "main"})
    hook = project.hooks.create({"url": "https://example.com/", "token": "hidden"})
    request = project.mergerequests.create(
        {"title": "T", "source_branch": "x", "target_branch": "main"}
    )
    request.notes.create({"body": "done"})
    schedule = {"description": "nightly", "ref": "main", "cron": "0 1 * * *"}

    assert project.variables.get("A", filter={"environment_scope": "*"}).value == "y"
    assert project.environments.get(environment.id).state == "available"
    assert project.releases.get("v1").name == "One"
    assert "token" not in hook.attributes
    assert [note.body for note in request.notes.list(get_all=True)] == ["done"]
    assert project.pipelineschedules.create(schedule).cron_timezone == "UTC"
    environment.stop()
    project.environments.delete(environment.id)
    assert project.environments.list(get_all=True) == []


def test_a_variable_of_one_scope_exists_once(served: GitLab):
    """GitLab refuses the second, and asks which of several is meant."""
    project = client(served).projects.get("shop/api")
    project.variables.create({"key": "A", "value": "x"})

    with pytest.raises(GitlabCreateError, match="has already been taken"):
        project.variables.create({"key": "A", "value": "z"})
    project.variables.create({"key": "A", "value": "x", "environment_scope": "prod"})
    with pytest.raises(GitlabGetError) as several:
        project.variables.get("A")

    assert several.value.response_code == 409


def test_a_hidden_variable_has_no_value(served: GitLab):
    """Its value never comes back."""
    project = client(served).projects.get("shop/api")
    hidden = {"key": "H", "value": "v", "masked_and_hidden": True}

    made = project.variables.create(hidden)

    assert (made.value, made.hidden, made.masked) == (None, True, True)


def test_a_status_that_runs_is_changed_and_not_set_again(served: GitLab):
    """GitLab refuses a change that leads nowhere, and to skip what runs."""
    statuses = client(served).projects.get("shop/api").commits.get("main").statuses
    for state in ("pending", "running"):
        statuses.create({"state": state, "name": "test"})
        with pytest.raises(GitlabCreateError, match=f"Cannot transition status via .* :{state} "):
            statuses.create({"state": state, "name": "test"})

    with pytest.raises(GitlabCreateError, match="via :skip from :running"):
        statuses.create({"state": "skipped", "name": "test"})
    statuses.create({"state": "success", "name": "test"})

    assert [one.status for one in statuses.list(get_all=True)] == ["success"]


def test_a_status_that_has_ended_is_followed_by_another(served: GitLab):
    """The same end sent twice is a second job in GitLab; the list has the newest of each name."""
    project = client(served).projects.get("shop/api")
    statuses = project.commits.get("main").statuses
    first = statuses.create({"state": "success", "name": "test"})
    second = statuses.create({"state": "success", "name": "test"})

    assert (first.id == second.id, first.pipeline_id == second.pipeline_id) == (False, True)
    assert [one.id for one in statuses.list(get_all=True)] == [second.id]
    assert len(statuses.list(get_all=True, all=True)) == 2
    with pytest.raises(GitlabCreateError, match="404 Pipeline for pipeline_id"):
        statuses.create({"state": "success", "name": "test", "pipeline_id": 99999})
    with pytest.raises(GitlabCreateError, match="too long"):
        statuses.create({"state": "success", "description": "x" * 256})


def test_git_takes_tokens(served: GitLab, tmp_path: Path):
    """Git logs in with the token that may read the repository; another one is refused."""
    served.world.add_token("git", levels={"shop": REPORTER}, scopes=("read_repository",))

    def clone(token: str) -> int:
        url = f"{served.url}/shop/api.git".replace("//", f"//oauth2:{token}@")
        command = ["git", "-c", "core.askPass=true", "clone", "--quiet", url, str(tmp_path / token)]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert [clone(token) for token in ("git", "job", "reader", "nonsense")] == [0, 0, 128, 128]
    assert (tmp_path / "git" / "ci" / "a.yml").exists()


def test_lint_answers(served: GitLab):
    """The configuration of a commit, or a text, with the list of jobs."""
    project = client(served).projects.get("shop/api")

    committed = project.ci_lint.get(include_jobs=True)
    sent = project.ci_lint.create({"content": "x: {script: y}", "include_jobs": True})

    assert (committed.valid, [job["name"] for job in committed.jobs]) == (True, ["test"])
    assert [job["name"] for job in sent.jobs] == ["x"]


def test_a_token_describes_itself(served: GitLab):
    """Kind, scopes and expiry; OAuth's are not described there."""
    found = client(served).personal_access_tokens.get("self")

    assert (found.scopes, found.active) == (["api"], True)
    assert client(served).version()[0] == served.world.version
    oauth = get(served, "/personal_access_tokens/self", Authorization="Bearer oauth")
    assert oauth.status_code == 401


def test_faults_happen_on_order(served: GitLab):
    """Each as often as it was ordered."""
    served.faults.order(limit("/version", seconds="0"))
    served.faults.order(Fault("/version", status=500))
    served.faults.order(Fault("/version", cut=5))
    served.faults.order(Fault("/version", refuse=True))

    def status() -> int | str:
        try:
            return get(served, "/version", PRIVATE_TOKEN="maintainer").status_code
        except requests.RequestException as problem:
            return type(problem).__name__

    assert [status() for _ in range(5)] == [
        429, 500, "ChunkedEncodingError", "ConnectionError", 200,
    ]  # fmt: skip


def test_a_move_keeps_the_number(served: GitLab):
    """A renamed project is found by its number, and by its new path only."""
    number = client(served).projects.get("shop/api").id

    served.world.move("shop/api", "shop/web/backend")

    assert client(served).projects.get(number).path_with_namespace == "shop/web/backend"
    assert get(served, "/projects/shop%2Fapi", PRIVATE_TOKEN="maintainer").status_code == 404


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/projects?colour=blue", "GET /projects: unknown query parameter colour"),
        (
            "/projects?visibility=colour",
            "GET /projects: query parameter visibility is 'colour', not one of ['private', ",
        ),
        (
            "/projects/shop%2Fapi/hooks",
            "GET /projects/*/hooks: answer[].push_events is str, not boolean",
        ),
    ],
    ids=["parameter", "value", "answer"],
)
def test_the_description_of_gitlab_finds_what_is_wrong(served: GitLab, path: str, wrong: str):
    """What GitLab does not know or would not answer fails the test that has met it."""
    served.world.projects["shop/api"].things["hooks"] = [{"id": 1, "push_events": "yes"}]
    get(served, path, PRIVATE_TOKEN="maintainer")

    assert [found[: len(wrong)] for found in served.violations] == [wrong]
    served.violations.clear()


def test_the_description_of_gitlab_finds_what_is_missing(served: GitLab):
    """What GitLab would have refused, but the stand-in has not."""
    route = Route("POST", "/projects/:id/hooks", handler=lambda _: None)
    call = Call(served.world, "POST", "/projects/1/hooks", {}, {}, {"name": "n"}, None, served.url)
    contract = Contract()

    contract.check(route, call, Answer({"id": 1}, 201))

    assert contract.violations == ["POST /projects/*/hooks: field url is missing"]


def test_each_route_is_described():
    """A route that GitLab does not have cannot be added unseen, nor one whose facts are missing."""
    routes = {name_of(route.method, route.pattern) for route in ROUTES}

    assert routes == {*facts()["routes"], *UNDESCRIBED_ROUTES}
