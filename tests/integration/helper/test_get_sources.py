"""Phase get_sources against a real git server."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SourceError
from integration.helper.support import TOKEN, head, run, sources
from servers.git_http import git_server
from servers.repositories import commit, git, make_repository

pytestmark = pytest.mark.integration


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that a server serves as `group/project`."""
    folder = tmp_path / "served" / "group" / "project"
    make_repository(folder, {"README": "one\n"})
    return folder


def test_checks_out_the_commit_detached(tmp_path: Path, repository: Path):
    """The working copy is at the commit, on no branch, with nothing changed."""
    with git_server(tmp_path / "served") as server:
        copy = run(tmp_path, sources(server.url("group/project"), head(repository)))

    assert head(copy) == head(repository)
    assert git(copy, "status", "--porcelain", "--branch") == "## HEAD (no branch)"


def test_fetches_the_exact_commit_of_a_branch_that_moved_on(tmp_path: Path, repository: Path):
    """The pipeline's commit is what is built, however deep it lies by now."""
    sha = head(repository)
    for number in range(5):
        commit(repository, {"README": f"{number}\n"}, f"change {number}")

    with git_server(tmp_path / "served") as server:
        copy = run(tmp_path, sources(server.url("group/project"), sha, depth=2))

    assert (copy / "README").read_text() == "one\n"


@pytest.mark.parametrize(("depth", "commits"), [(0, 4), (2, 2), (20, 4)])
def test_depth_limits_history(tmp_path: Path, repository: Path, depth: int, commits: int):
    """GIT_DEPTH is the number of commits; 0 fetches all of them."""
    for number in range(3):
        commit(repository, {"README": f"{number}\n"}, f"change {number}")

    with git_server(tmp_path / "served") as server:
        plan = sources(server.url("group/project"), head(repository), depth=depth)
        copy = run(tmp_path, plan)

    assert git(copy, "rev-list", "--count", "HEAD") == str(commits)


def test_a_server_that_gives_refs_only_is_asked_for_those(
    tmp_path: Path, repository: Path, capfd: pytest.CaptureFixture[str]
):
    """Servers of the old protocol refuse single commits: history is fetched until it is there."""
    sha = head(repository)
    for number in range(5):
        commit(repository, {"README": f"{number}\n"}, f"change {number}")

    with git_server(tmp_path / "served", protocol="") as server:
        copy = run(tmp_path, sources(server.url("group/project"), sha, depth=2))

    assert head(copy) == sha
    assert "fetching refs instead" in capfd.readouterr().out


def test_a_deleted_branch_is_no_obstacle(
    tmp_path: Path, repository: Path, capfd: pytest.CaptureFixture[str]
):
    """Merged branches are deleted while their pipelines run; the commit is what counts."""
    git(repository, "branch", "feature")
    plan = {"refspecs": ("+refs/heads/feature:refs/remotes/origin/feature",)}
    git(repository, "branch", "-D", "feature")

    with git_server(tmp_path / "served") as server:
        url = server.url("group/project")
        copy = run(tmp_path, sources(url, head(repository), ref_name="feature", **plan))

    assert head(copy) == head(repository)
    assert "ref feature no longer exists" in capfd.readouterr().out


def test_a_missing_commit_is_named(tmp_path: Path, repository: Path):
    """The message says which commit and where."""
    with git_server(tmp_path / "served") as server:
        url = server.url("group/project")
        with pytest.raises(SourceError, match=f"commit {'0' * 39}1 from {url}"):
            run(tmp_path, sources(url, "0" * 39 + "1"))


def test_a_missing_repository_is_named(tmp_path: Path, repository: Path):
    """The message says what the server answered."""
    with git_server(tmp_path / "served") as server:
        url = server.url("group/other")
        with pytest.raises(SourceError, match=f"{url}.*not found"):
            run(tmp_path, sources(url, head(repository)))


def test_logs_in_without_leaving_a_trace(
    tmp_path: Path, repository: Path, capfd: pytest.CaptureFixture[str]
):
    """The token is neither in the repository that it leaves nor in the log."""
    with git_server(tmp_path / "served", token=TOKEN) as server:
        login = {"username": "gitlab-ci-token", "password": TOKEN}
        copy = run(tmp_path, sources(server.url("group/project"), head(repository), **login))

    assert set(server.users) == {"gitlab-ci-token"}
    assert TOKEN not in capfd.readouterr().out
    files = [path for path in copy.rglob("*") if path.is_file()]
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


def test_a_wrong_token_fails_at_once(
    tmp_path: Path, repository: Path, capfd: pytest.CaptureFixture[str]
):
    """Git never waits for somebody to type, and what was tried is not shown."""
    with git_server(tmp_path / "served", token=TOKEN) as server:
        login = {"username": "gitlab-ci-token", "password": "wrong-secret"}
        plan = sources(server.url("group/project"), head(repository), **login)
        with pytest.raises(SourceError, match="Authentication failed"):
            run(tmp_path, plan)

    assert "wrong-secret" not in capfd.readouterr().out


def test_credentials_are_not_given_to_other_hosts(tmp_path: Path, repository: Path):
    """A job's token is for its repository's own host, even if that sends git elsewhere."""
    with (
        git_server(tmp_path / "served", token=TOKEN) as other,
        git_server(tmp_path / "served", token=TOKEN) as own,
    ):
        own.moved_to = other.url("").rstrip("/")
        login = {"username": "gitlab-ci-token", "password": TOKEN}
        with pytest.raises(SourceError, match="terminal prompts disabled"):
            run(tmp_path, sources(own.url("group/project"), head(repository), **login))

    assert other.requests
    assert other.users == []


def test_tries_again_after_a_failure(
    tmp_path: Path, repository: Path, capfd: pytest.CaptureFixture[str]
):
    """GET_SOURCES_ATTEMPTS counts the first one too; each further one is announced."""
    with git_server(tmp_path / "served") as server:
        url = server.url("group/other")
        with pytest.raises(SourceError):
            run(tmp_path, sources(url, head(repository), attempts=3))

    shown = capfd.readouterr().out
    assert "attempt 2 of 3 in 5 s" in shown
    assert "attempt 3 of 3 in 10 s" in shown
    assert server.requests == ["GET /group/other/info/refs?service=git-upload-pack"] * 3


def test_a_used_working_copy_is_cleaned(tmp_path: Path, repository: Path):
    """Strategy fetch keeps the repository but nothing that the commit does not have."""
    with git_server(tmp_path / "served") as server:
        plan = sources(server.url("group/project"), head(repository))
        copy = run(tmp_path, plan)
        (copy / "left").write_text("")
        (copy / "README").write_text("changed")
        (copy / ".git" / "index.lock").write_text("")
        commit(repository, {"new": ""}, "second")
        run(tmp_path, replace(plan, sha=head(repository)))

    assert sorted(path.name for path in copy.iterdir()) == [".git", "README", "new"]
    assert (copy / "README").read_text() == "one\n"


def test_what_a_job_left_in_a_used_working_copy_is_not_run(tmp_path: Path, repository: Path):
    """Hooks, filters and other programs of a repository's configuration; nothing of it counts."""
    commit(repository, {".gitattributes": "* filter=mine\n"}, "filter")
    spy = tmp_path / "ran"
    with git_server(tmp_path / "served") as server:
        plan = sources(server.url("group/project"), head(repository))
        copy = run(tmp_path, plan)
        for name in ("post-checkout", "reference-transaction", "post-index-change"):
            hook = copy / ".git" / "hooks" / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(f"#!/bin/sh\necho {name} >>{spy}\n")
            hook.chmod(0o755)
        for key in ("core.fsmonitor", "filter.mine.smudge", "core.alternateRefsCommand"):
            git(copy, "config", key, f"echo {key} >>{spy}; cat")
        git(copy, "config", "remote.origin.uploadpack", f"echo up >>{spy}; git-upload-pack")
        git(copy, "config", f"url.file://{repository}.insteadOf", server.url("group/project"))
        commit(repository, {"README": "two\n"}, "second")
        run(tmp_path, replace(plan, sha=head(repository)))

    assert not spy.exists(), spy.read_text()
    assert (copy / "README").read_text() == "two\n"


def test_history_without_a_limit_has_all_branches_and_tags(tmp_path: Path, repository: Path):
    """`git diff origin/main...HEAD` and `git describe` of a feature branch work."""
    git(repository, "tag", "v1")
    git(repository, "checkout", "--quiet", "-b", "feature")
    commit(repository, {"new": ""}, "second")
    every = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")

    with git_server(tmp_path / "served") as server:
        plan = sources(server.url("group/project"), head(repository), depth=0, refspecs=every)
        copy = run(tmp_path, plan)

    assert git(copy, "diff", "--name-only", "origin/main...HEAD") == "new"
    assert git(copy, "describe", "--tags").startswith("v1-1-")


def test_strategy_clone_starts_from_nothing(tmp_path: Path, repository: Path):
    """Even the repository is made again."""
    (tmp_path / "copy" / ".git").mkdir(parents=True)
    (tmp_path / "copy" / ".git" / "config").write_text("broken [")

    with git_server(tmp_path / "served") as server:
        plan = sources(server.url("group/project"), head(repository), strategy="clone")
        assert head(run(tmp_path, plan)) == head(repository)


@pytest.mark.parametrize(("strategy", "left"), [("none", ["kept"]), ("empty", [])])
def test_strategies_without_git(tmp_path: Path, strategy: str, left: list[str]):
    """`none` leaves the folder alone, `empty` empties it; neither asks a server."""
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "kept").write_text("")

    copy = run(tmp_path, sources("http://127.0.0.1:9/none", "0" * 40, strategy=strategy))

    assert [path.name for path in copy.iterdir()] == left


def test_a_repository_of_another_user(tmp_path: Path, repository: Path):
    """Repositories on this machine may belong to anybody: git's own check is for people."""
    import os

    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    for path in (repository, *repository.rglob("*")):
        os.chown(path, 12345, 12345)

    copy = run(tmp_path, sources(f"file://{repository}", git(tmp_path, *_head_of(repository))))

    assert (copy / "README").read_text() == "one\n"


def _head_of(repository: Path) -> tuple[str, ...]:
    return ("-c", "safe.directory=*", "-C", str(repository), "rev-parse", "HEAD")


def test_native_clone_takes_its_flags(tmp_path: Path, repository: Path):
    """FF_USE_GIT_NATIVE_CLONE with GIT_CLONE_EXTRA_FLAGS: what a filter leaves out comes later."""
    git(repository, "config", "uploadpack.allowFilter", "true")
    sha = commit(repository, {"big": "contents\n"}, "add big")
    flags = ("--filter=blob:none", "--no-tags")
    login = {"username": "gitlab-ci-token", "password": TOKEN}

    with git_server(tmp_path / "served", token=TOKEN) as server:
        plan = sources(
            server.url("group/project"), sha, strategy="clone", clone_flags=flags, **login
        )
        copy = run(tmp_path, plan)

    assert (copy / "big").read_text() == "contents\n"
    assert git(copy, "rev-parse", "HEAD") == sha
    assert git(copy, "config", "remote.origin.partialclonefilter") == "blob:none"


def test_native_clone_of_a_branch_that_moved_on(tmp_path: Path, repository: Path):
    """The pipeline's commit is fetched when the clone does not reach it."""
    sha = head(repository)
    commit(repository, {"README": "later\n"}, "later")
    with git_server(tmp_path / "served") as server:
        plan = sources(server.url("group/project"), sha, strategy="clone", clone_flags=(), depth=1)
        copy = run(tmp_path, plan)

    assert git(copy, "rev-parse", "HEAD") == sha


def test_native_clone_of_a_deleted_branch(
    tmp_path: Path, repository: Path, capfd: pytest.CaptureFixture[str]
):
    """As for a fetch: the commit is what counts."""
    with git_server(tmp_path / "served") as server:
        plan = sources(
            server.url("group/project"),
            head(repository),
            ref_name="gone",
            refspecs=("+refs/heads/gone:refs/remotes/origin/gone",),
            clone_flags=(),
        )
        copy = run(tmp_path, plan)

    assert git(copy, "rev-parse", "HEAD") == head(repository)
    assert "ref gone no longer exists" in capfd.readouterr().out


def test_fetch_flags_may_filter(tmp_path: Path, repository: Path):
    """GIT_FETCH_EXTRA_FLAGS with a filter: the checkout logs in for the rest."""
    git(repository, "config", "uploadpack.allowFilter", "true")
    login = {"username": "gitlab-ci-token", "password": TOKEN}
    with git_server(tmp_path / "served", token=TOKEN) as server:
        flags = ("--filter=blob:none", "--no-tags", "--quiet")
        copy = run(
            tmp_path,
            sources(server.url("group/project"), head(repository), fetch_flags=flags, **login),
        )

    assert (copy / "README").exists()


def test_a_whole_history_completes_a_shallow_one(tmp_path: Path, repository: Path):
    """GIT_DEPTH 0 in a working copy that an earlier job has fetched with a depth."""
    for number in range(3):
        commit(repository, {"README": f"{number}\n"}, f"commit {number}")
    with git_server(tmp_path / "served") as server:
        plan = sources(server.url("group/project"), head(repository), depth=1)
        run(tmp_path, plan)
        copy = run(tmp_path, replace(plan, depth=0))

    assert git(copy, "rev-list", "--count", "HEAD") == "4"


def test_traces_of_git_are_in_the_log_without_the_login(
    tmp_path: Path, repository: Path, capfd: pytest.CaptureFixture[str]
):
    """GIT_TRACE and GIT_CURL_VERBOSE show the requests, and nobody's password in any form."""
    settings = ("GIT_TRACE=1", "GIT_CURL_VERBOSE=1", "GIT_TRACE_CURL_NO_DATA=1")
    login = {"username": "gitlab-ci-token", "password": TOKEN}
    with git_server(tmp_path / "served", token=TOKEN) as server:
        plan = sources(
            server.url("group/project"), head(repository), git_settings=settings, **login
        )
        run(tmp_path, plan)

    shown = capfd.readouterr().out
    assert "trace: built-in: git fetch" in shown
    assert "GET /group/project/info/refs" in shown
    assert TOKEN not in shown
    assert base64.b64encode(f"gitlab-ci-token:{TOKEN}".encode()).decode() not in shown
