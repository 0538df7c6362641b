"""The same repository, read by git and by GitLab's API: every question has the same answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SourceError, UnknownRefError
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.model.git_login import GitLogin
from gitlab_ci_provider.sources.git_repository import GitRepository
from gitlab_ci_provider.sources.gitlab_repository import GitlabRepository
from gitlab_ci_provider.sources.repository import Repository
from servers.gitlab import code
from servers.gitlab.faults import Fault
from servers.gitlab.server import GitLab, gitlab_server
from servers.repositories import commit, git

pytestmark = pytest.mark.integration

API, GIT = "glpat-may-use-the-api", "glpat-may-use-git"
PATH = "group/sub/app"
HEADS = "refs/heads"
Names = Mapping[str, str]


@dataclass(frozen=True)
class Both:
    """A repository, and the names of its commits."""

    gitlab: GitLab
    git: GitRepository
    api: GitlabRepository
    names: Names


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    """A history with a merge, a tag, a rename, a merge request, and a branch without ancestors."""
    with gitlab_server(tmp_path / "gitlab") as running:
        world = running.world
        world.add_token(API, levels={"group": 20}, scopes=("read_api",))
        world.add_token(GIT, levels={"group": 20}, scopes=("read_repository",))
        project = world.add_project(PATH, {"ci.yml": "a\n", "docs/ä b": "text\n" * 9, "gone": "g"})
        names, work = history(project.work), project.work
        pushed = ["--all", "--quiet", str(project.bare)]
        git(work, "push", *pushed)
        git(work, "push", "--quiet", str(project.bare), "v1", "light", f"feature/x:{REQUEST}")
        project.things["merge_requests"] = [
            {"id": 1, "iid": 7, "state": "opened", "sha": names["feature"]}
        ]
        url = f"{running.url}/{PATH}.git"
        yield Both(
            running,
            GitRepository.open(tmp_path / "mirrors", url, GitLogin(password=GIT)),
            GitlabRepository(GitLabServer(url=running.url, token=API, patience=0), url),
            names,
        )


REQUEST = "refs/merge-requests/7/head"


def history(work: Path) -> Names:
    """Make it in a working copy; name its commits."""
    names = {"first": git(work, "rev-parse", "HEAD")}
    git(work, "tag", "--annotate", "v1", "--message", "the first\n\nrelease")
    git(work, "tag", "light")
    git(work, "checkout", "--quiet", "-b", "feature/x")
    names["feature"] = commit(work, {"new": "n", "ci.yml": "a\nb\n"}, "on a branch")
    git(work, "checkout", "--quiet", "main")
    git(work, "mv", "docs/ä b", "docs/c")
    git(work, "rm", "--quiet", "gone")
    names["moved"] = commit(work, {}, "renamed\n\nwith a body")
    git(work, "merge", "--quiet", "--no-ff", "--message", "merged", "feature/x")
    names["main"] = commit(work, {"late": "l"}, "last")
    git(work, "checkout", "--quiet", "--orphan", "alone")
    names["alone"] = commit(work, {}, "alone")
    git(work, "checkout", "--quiet", "main")
    return names


QUESTIONS: dict[str, Callable[[Repository, Names], object]] = {
    "the default branch": lambda seen, _: seen.default_branch(),
    "no other refs": lambda seen, _: seen.listing([]),
    "branches": lambda seen, _: seen.listing([f"{HEADS}/*"]),
    "tags": lambda seen, _: seen.listing(["refs/tags/*"]),
    "merge requests": lambda seen, _: seen.listing(["refs/merge-requests/*"]),
    "names": lambda seen, _: seen.ref_names(),
    "a branch": lambda seen, _: seen.fetch("feature/x"),
    "a tag": lambda seen, _: seen.fetch("refs/tags/v1"),
    "a light tag": lambda seen, _: seen.fetch("light"),
    "HEAD": lambda seen, _: seen.fetch("HEAD"),
    "a merge request": lambda seen, _: seen.fetch(REQUEST),
    "a commit": lambda seen, named: seen.fetch(named["moved"]),
    "an earlier commit": lambda seen, named: seen.fetch("main", named["first"]),
    "a commit of a branch that is gone": lambda seen, named: seen.fetch("no", named["first"]),
    "what was listed": lambda seen, named: seen.fetch_listed(f"{HEADS}/main", named["main"]),
    "what has moved": lambda seen, _: seen.fetch_listed(f"{HEADS}/main", "1" * 40),
    "the tip of a branch": lambda seen, _: seen.tip(seen.fetch("feature/x")),
    "the tip of a tag": lambda seen, _: seen.tip(seen.fetch("v1")),
    "no tip": lambda seen, _: seen.tip(seen.fetch(REQUEST)),
    "a message": lambda seen, _: seen.tag_message("v1"),
    "no message": lambda seen, _: seen.tag_message("light"),
    "files": lambda seen, _: sorted(seen.at(seen.fetch("v1").sha).paths()),
    "objects": lambda seen, _: dict(seen.at(seen.fetch("main").sha).blobs()),
    "a file": lambda seen, _: seen.at(seen.fetch("v1").sha).read("docs/ä b"),
    "no file": lambda seen, _: seen.at(seen.fetch("v1").sha).read("late"),
    "a folder": lambda seen, _: seen.at(seen.fetch("v1").sha).read("docs"),
    "a path outside": lambda seen, _: seen.at(seen.fetch("v1").sha).read("../ci.yml"),
    "who": lambda seen, _: seen.at(seen.fetch("main").sha).commit().author,
    "there": lambda seen, named: seen.is_there(named["first"]),
    "not there": lambda seen, _: seen.is_there("1" * 40),
    "between": lambda seen, named: seen.changed_between(named["first"], named["main"]),
    "back": lambda seen, named: seen.changed_between(named["main"], named["first"]),
    "since": lambda seen, named: seen.changed_since(named["moved"], named["feature"]),
    "since alone": lambda seen, named: seen.changed_since(named["main"], named["alone"]),
    "renamed since": lambda seen, named: seen.changed_since(named["first"], named["moved"]),
    "base": lambda seen, named: seen.merge_base(named["feature"], named["moved"]),
    "no base": lambda seen, named: seen.merge_base(named["main"], named["alone"]),
    "last": lambda seen, named: seen.last_commit(named["main"], "ci.yml"),
    "last of a folder": lambda seen, named: seen.last_commit(named["main"], "docs"),
    "last of nothing": lambda seen, named: seen.last_commit(named["main"], "nothing"),
    "last outside": lambda seen, named: seen.last_commit(named["main"], "../docs"),
    "led to": lambda seen, named: seen.led_to(named["moved"], named["main"]),
    "merged in": lambda seen, named: seen.led_to(named["feature"], named["main"]),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_both_say_the_same(both: Both, question: str):
    """Whoever asks need not know how a repository is read."""
    ask = QUESTIONS[question]

    assert ask(both.api, both.names) == ask(both.git, both.names)


def test_the_time_and_words_of_a_commit(both: Both):
    """To the second, as git and CI_COMMIT_TIMESTAMP have it; the message is whole."""
    sha = both.names["moved"]
    both.git.fetch(sha)
    by_git, by_api = (seen.at(sha).commit() for seen in (both.git, both.api))

    assert by_api.timestamp == by_git.timestamp.replace("Z", "+00:00")
    assert by_api.message.strip() == by_git.message.strip() == "renamed\n\nwith a body"


def test_a_comparison_that_gitlab_has_cut_is_not_believed(
    both: Both, monkeypatch: pytest.MonkeyPatch
):
    """GitLab says that there is more; the lists of files say what."""
    monkeypatch.setattr(code, "_MOST_DIFFS", 1)
    first, last = both.names["first"], both.names["main"]

    assert both.api.changed_between(first, last) == both.git.changed_between(first, last)


def test_a_list_of_files_goes_on_where_files_are_alike(both: Both):
    """Pages end at a path, whatever is in the files."""
    same = {f"same/{number:03}": "x" for number in range(250)}
    sha = both.gitlab.world.projects[PATH].push(same)

    assert {path for path in both.api.at(sha).paths() if path.startswith("same/")} == {*same}


@pytest.mark.parametrize(
    "name",
    [
        *("nope", "refs/heads/nope", "refs/tags/nope", "refs/keep/x", "..", "-x"),
        *("2" * 40, "refs/merge-requests/9/head"),
        *("mian", "refs/heads/feature", "refs/tags/ligth", "abcdef12"),
    ],
)
def test_what_is_not_there_is_told(both: Both, name: str):
    """In the same words as by git, with the same suggestion for a mistyped name."""
    said = []
    for seen in (both.git, both.api):
        with pytest.raises(UnknownRefError) as problem:
            seen.fetch(name)
        said.append(str(problem.value))

    assert said[0] == said[1]


def test_a_ref_is_unknown_though_nothing_can_be_suggested(both: Both):
    """Else a pipeline would be tried again and again for a branch that is not there."""
    both.gitlab.faults.order(Fault(r"/repository/branches\?", -1, status=403))

    with pytest.raises(UnknownRefError, match=r"has no branch, tag or commit id 'mian'$"):
        both.api.fetch("mian")


@pytest.mark.parametrize("branch", [None, "main"])
def test_a_repository_without_commits_has_no_refs(both: Both, branch: str | None):
    """It is no error: the project has no DAG. Newer GitLabs name the branch that it will have."""
    described = {"id": 1, "default_branch": branch, "empty_repo": True}
    both.gitlab.world.add_project("group/empty")
    both.gitlab.faults.order(Fault("/group%2Fempty$", -1, status=200, body=described))
    empty = GitlabRepository(both.api.server, f"{both.gitlab.url}/group/empty.git")

    assert empty.listing([f"{HEADS}/*"]) == ("", {})
    with pytest.raises(SourceError, match="has no commits yet"):
        empty.default_branch()


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_file_is_missing_only_where_its_commit_can_be_read(both: Both, status: int):
    """Else a token that has lost its role would look like a file that was removed."""
    files = both.api.at(both.names["main"])
    both.gitlab.faults.order(
        Fault(f"/repository/.*|{PATH.replace('/', '%2F')}$", -1, status=status)
    )

    with pytest.raises(SourceError, match=rf"GitLab at .* \({status}"):
        files.read("ci.yml")


def test_a_project_that_is_gone_has_no_unknown_refs(both: Both):
    """What to do about it is something else."""
    both.gitlab.world.projects.pop(PATH)

    with pytest.raises(SourceError, match="does not know it") as problem:
        both.api.fetch("main")

    assert not isinstance(problem.value, UnknownRefError)
    assert API not in str(problem.value)
