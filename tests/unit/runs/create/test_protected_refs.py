"""Ways to make a run count as one of a protected ref; the run's conf is the attacker's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.bridge import Ancestor, Upstream
from gitlab_ci_provider.model.context import MergeRequest
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.settings import Settings
from servers.repositories import git
from unit.runs.create.support import Repository


class Attacked(Repository):
    """A repository with a commit `foreign` that no protected branch ever was at."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        git(self.path, "checkout", "-q", "-b", "topic")
        self.foreign = self.commit({"mine": "1"})
        git(self.path, "checkout", "-q", "main")
        self.open = replace(self.settings, protected_branches="stable/*", protected_tags="v*")
        self.closed = replace(self.settings, protected_branches="*", protected_tags="*")

    def seen(self, settings: Settings, **form: object) -> Ref:
        return self.pin(settings, **form).ref

    def request(self, iid: int, source: str, target: str = "main", **form: object) -> Ref:
        asked = MergeRequest(iid=iid, source_branch=source, target_branch=target)
        return self.seen(self.open, source="merge_request_event", merge_request=asked, **form)


@pytest.fixture
def repository(tmp_path: Path) -> Attacked:
    return Attacked(tmp_path)


def test_a_merge_request_may_claim_any_branch(repository: Attacked):
    """The commit has to be of the source branch that the conf names, not only be called so."""
    assert repository.request(1, "main").protected
    assert not repository.request(1, "main", sha=repository.foreign).protected
    assert not repository.request(0, "main", sha=repository.foreign).protected


def test_a_fork_may_call_its_branch_main(repository: Attacked):
    """The server keeps a fork's commit as the merge request's head; it is not on a branch."""
    git(repository.path, "update-ref", "refs/merge-requests/7/head", repository.foreign)

    ref = repository.request(7, "main")

    assert (ref.name, ref.sha, ref.protected) == ("main", repository.foreign, False)


def test_a_fork_may_use_a_name_that_no_branch_has(repository: Attacked):
    """A pattern protects branches of the repository, not those that it could have."""
    git(repository.path, "update-ref", "refs/merge-requests/7/head", repository.foreign)

    assert not repository.request(7, "stable/9").protected


def test_a_tag_is_not_the_source_branch_of_a_merge_request(repository: Attacked):
    """Who may push tags may not use one in place of a protected branch."""
    git(repository.path, "tag", "stable/9", repository.foreign)

    with pytest.raises(SourceError, match="no branch 'stable"):
        repository.request(0, "stable/9")
    assert not repository.request(1, "stable/9", sha=repository.foreign).protected


def test_the_target_of_a_merge_request_has_to_be_protected_too(repository: Attacked):
    """As in GitLab, where both branches must be."""
    git(repository.path, "branch", "other")

    assert not repository.request(0, "main", "other").protected


@pytest.mark.parametrize(
    "name", ["refs/merge-requests/7/head", "refs/pull/7/head", "refs/x", "HEAD"]
)
def test_other_refs_of_the_server_are_no_branches(repository: Attacked, name: str):
    """Servers keep the code of forks below `refs/`; a pattern that takes all names takes none."""
    if name != "HEAD":
        git(repository.path, "update-ref", name, repository.foreign)

    assert not repository.seen(repository.closed, ref=name).protected


def test_a_commit_id_is_no_branch(repository: Attacked):
    """Whatever the patterns say."""
    assert not repository.seen(repository.closed, ref=repository.foreign).protected
    assert not repository.seen(repository.closed, ref=repository.first).protected


def test_a_branch_that_does_not_exist_is_not_protected(repository: Attacked):
    """A name that a pattern takes, together with any commit."""
    ref = repository.seen(repository.open, ref="stable/9", sha=repository.foreign)

    assert not ref.protected


def test_a_full_name_is_the_branch_itself(repository: Attacked):
    """`refs/heads/main` is `main`, for rules as for the protection."""
    git(repository.path, "tag", "v1")
    full = repository.seen(repository.open, ref="refs/heads/main")
    tag = repository.seen(repository.open, ref="refs/tags/v1")

    assert (full.name, full.kind, full.protected) == ("main", RefKind.BRANCH, True)
    assert (tag.name, tag.kind, tag.protected) == ("v1", RefKind.TAG, True)
    assert not repository.seen(repository.open, ref="refs/heads/topic").protected


def test_a_branch_with_the_full_name_of_another_is_not_the_other(repository: Attacked):
    """Git allows `refs/heads/refs/heads/main`; a person who may push branches may push that one."""
    git(repository.path, "update-ref", "refs/heads/refs/heads/main", repository.foreign)

    ref = repository.seen(repository.open, ref="refs/heads/main")

    assert (ref.name, ref.sha) == ("main", repository.first)


@pytest.mark.parametrize("asked", ["main", "stable/9"])
def test_a_tag_named_like_a_protected_branch_is_a_tag(repository: Attacked, asked: str):
    """A branch of the name comes first; where there is none, the tags' protection counts."""
    git(repository.path, "tag", asked, repository.foreign)

    named, full = (
        repository.seen(repository.open, ref=f"{one}{asked}") for one in ("", "refs/tags/")
    )

    assert named.sha == (repository.first if asked == "main" else repository.foreign)
    assert named.protected == (asked == "main")
    assert (full.kind, full.sha, full.protected) == (RefKind.TAG, repository.foreign, False)


def test_a_branch_named_like_a_protected_tag_is_a_branch(repository: Attacked):
    """It hides the tag, and has the protection of its own kind."""
    git(repository.path, "tag", "v1")
    git(repository.path, "branch", "v1", repository.foreign)

    assert not repository.seen(repository.open, ref="v1").protected
    assert repository.seen(repository.open, ref="refs/tags/v1").protected


def test_another_commit_of_a_tag_is_not_protected(repository: Attacked):
    """A tag is one commit, not those before it."""
    latest = repository.commit({"b": "2"})
    git(repository.path, "tag", "-a", "v1", "-m", "annotated", latest)

    assert repository.seen(repository.open, ref="v1").protected
    assert repository.seen(repository.open, ref="v1", sha=latest).protected
    assert not repository.seen(repository.open, ref="v1", sha=repository.first).protected
    assert not repository.seen(repository.open, ref="v1", sha=repository.foreign).protected


def test_a_commit_that_a_merge_brought_in_was_never_the_branch(repository: Attacked):
    """What was corrected before it was merged must not run with the secrets of what was merged."""
    git(repository.path, "checkout", "-q", "topic")
    repository.commit({"mine": "corrected"})
    git(repository.path, "checkout", "-q", "main")
    git(repository.path, "merge", "-q", "--no-ff", "-m", "merged", "topic")

    assert repository.seen(repository.open).protected
    assert not repository.seen(repository.open, sha=repository.foreign).protected
    assert repository.seen(repository.open, sha=repository.first).protected


def test_a_commit_that_a_force_push_took_away_is_not_protected(repository: Attacked):
    """It was the branch's, and somebody decided that it is not."""
    gone = repository.commit({"bad": "1"})
    git(repository.path, "tag", "kept", gone)
    git(repository.path, "reset", "-q", "--hard", repository.first)

    assert not repository.seen(repository.open, sha=gone).protected


def test_another_project_starts_no_protected_pipeline(
    repository: Attacked, monkeypatch: pytest.MonkeyPatch
):
    """Its author chooses the variables; every project above has to be listed."""

    def started_by(*projects: str) -> bool:
        above = tuple(
            Ancestor(project=one, ref="main", source="push", pipeline=1, dag="d", run="r")
            for one in projects
        )
        upstream = Upstream(job="t", task="t", ancestors=above)
        return repository.seen(repository.open, source="pipeline", upstream=upstream).protected

    assert started_by("group/project")
    assert not started_by("group/other")
    scope = {"group/project": {"job_token_scope": {"allowlist": ["group/other"]}}}
    monkeypatch.setenv("AIRFLOW_VAR_GITLAB_CI_PROJECTS", json.dumps(scope))
    assert started_by("group/other")
    assert not started_by("group/third", "group/other")
