"""The commit of one run and what the rules may look at, with real git."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import ConfigError, SourceError
from gitlab_ci_provider.model.context import MergeRequest
from gitlab_ci_provider.model.project import RefKind
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.state import open_state
from servers.repositories import git, make_repository
from unit.runs.create.support import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_a_push_that_says_what_was_before_has_its_diff(repository: Repository):
    """The changed files of a push are those between both commits, removed ones included."""
    git(repository.path, "rm", "-q", "a")
    repository.commit({"b/c": "2"})

    pinned = repository.pin(before_sha=repository.first)

    assert set(pinned.context.changed_paths or ()) == {"a", "b/c"}
    assert pinned.context.commit.before_sha == repository.first


def test_a_new_branch_has_no_diff(repository: Repository):
    """Its first pipeline has nothing to compare with: `changes` is true, as in GitLab."""
    pinned = repository.pin()

    assert pinned.context.changed_paths is None
    assert pinned.context.commit.before_sha == ""


def test_a_commit_that_a_force_push_took_away_is_no_diff(repository: Repository):
    """Nobody can tell what changed: `changes` is true rather than the pipeline broken."""
    pinned = repository.pin(before_sha="1" * 40)

    assert pinned.context.changed_paths is None
    assert pinned.context.commit.before_sha == "1" * 40


def test_without_a_word_the_previous_pipeline_is_what_was_before(repository: Repository):
    """The register knows the commit of the ref's last pipeline; the same commit is not a push."""
    repository.ran(repository.first, "one")
    second = repository.commit({"b": "2"})
    repository.ran(second, "two")

    assert set(repository.pin().context.changed_paths or ()) == {"b"}


@pytest.mark.parametrize("source", ["web", "api", "schedule", "trigger"])
def test_other_sources_have_no_diff(repository: Repository, source: str):
    """Only pushes and merge requests have one."""
    repository.ran(repository.first, "one")
    repository.commit({"b": "2"})

    assert repository.pin(source=source).context.changed_paths is None


def test_a_tag_has_no_diff(repository: Repository):
    """`changes` is true for tags; an annotated tag has its message."""
    git(repository.path, "tag", "-a", "v1", "-m", "the first")

    pinned = repository.pin(ref="v1", before_sha=repository.first)

    assert pinned.context.changed_paths is None
    assert (pinned.ref.kind, pinned.context.commit.tag_message) == (RefKind.TAG, "the first")


def test_an_earlier_commit_of_a_branch_is_built_as_that_branch(repository: Repository):
    """A backfill builds a branch as it was."""
    repository.commit({"b": "2"})

    pinned = repository.pin(sha=repository.first)

    assert (pinned.ref.name, pinned.ref.sha) == ("main", repository.first)
    assert pinned.earlier
    assert not repository.pin().earlier
    assert not repository.pin(sha=repository.pin().ref.sha).earlier


def test_a_merge_request_has_the_files_since_it_parted(repository: Repository):
    """Later commits of the target are not changes of the merge request."""
    git(repository.path, "checkout", "-q", "-b", "topic")
    repository.commit({"mine": "1"})
    git(repository.path, "checkout", "-q", "main")
    repository.commit({"theirs": "1"})
    request = MergeRequest(iid=5, source_branch="topic", target_branch="main")

    context = repository.pin(source="merge_request_event", merge_request=request).context

    assert set(context.changed_paths or ()) == {"mine"}
    assert (context.ref.name, context.target_branch) == ("topic", "main")
    assert context.merge_request == replace(request, diff_base_sha=repository.first)


def test_a_servers_own_merge_request_ref_is_used(repository: Repository):
    """Its head is there also when the source branch is in a fork."""
    git(repository.path, "checkout", "-q", "-b", "elsewhere")
    sha = repository.commit({"mine": "1"})
    git(repository.path, "update-ref", "refs/merge-requests/7/head", sha)
    git(repository.path, "checkout", "-q", "main")
    git(repository.path, "branch", "-q", "-D", "elsewhere")
    request = MergeRequest(iid=7, source_branch="elsewhere", target_branch="main")

    assert repository.pin(source="merge_request_event", merge_request=request).ref.sha == sha


def test_compare_to_lists_what_changed_since_another_ref(repository: Repository):
    """For every source; a ref that does not exist is known not to."""
    git(repository.path, "checkout", "-q", "-b", "topic")
    repository.commit({"mine": "1"})

    compared = repository.pin(ref="topic", source="web").context.compared

    assert set(compared["main"] or ()) == {"mine"}
    assert compared["nowhere"] is None
    assert "main" in compared


def test_files_of_another_project_are_read_from_its_own_mirror(
    repository: Repository, tmp_path: Path
):
    """`exists:project` looks into a repository next to this one on the same server."""
    make_repository(tmp_path / "group" / "other", {"deep/file": "1"})

    trees = repository.pin().context.other_trees

    assert set(trees["group/other@"] or ()) == {"deep/file"}
    assert set(trees["group/other@main"] or ()) == {"deep/file"}
    assert trees["group/other@nowhere"] is None


def test_protected_refs_are_those_of_the_settings(repository: Repository):
    """The default branch always is, others and tags by patterns; a tag is not a branch."""
    settings = replace(
        repository.settings, protected_branches="release/*, hot", protected_tags="v*"
    )
    for branch in ("release/1.0", "hotter"):
        git(repository.path, "branch", branch)
    for tag in ("v1", "other", "hot"):
        git(repository.path, "tag", tag)

    found = {
        name: repository.pin(settings, ref=name).ref.protected
        for name in ("main", "release/1.0", "hotter", "v1", "other", "hot")
    }

    assert found == {
        "main": True,
        "release/1.0": True,
        "hotter": False,
        "v1": True,
        "other": False,
        "hot": False,
    }


def test_a_commit_from_elsewhere_is_not_protected_by_a_name(repository: Repository):
    """A protected branch named with a commit of another branch gets no protected variables."""
    git(repository.path, "checkout", "-q", "-b", "topic")
    foreign = repository.commit({"mine": "1"})
    git(repository.path, "checkout", "-q", "main")
    repository.commit({"b": "2"})

    assert not repository.pin(sha=foreign).ref.protected
    assert repository.pin(sha=repository.first).ref.protected


def test_inputs_of_the_run_make_its_pipeline(repository: Repository):
    """Values for `spec:inputs` are checked by type and change what the commit compiles to."""
    repository.commit(
        {
            ".gitlab-ci.yml": "spec: {inputs: {count: {type: number, default: 1}}}\n---\n"
            "job: {script: 'echo $[[ inputs.count ]]'}\n"
        }
    )

    assert repository.pin(inputs={"count": 3}).pipeline.jobs["job"].script.main == ("echo 3",)
    assert repository.pin().pipeline.jobs["job"].script.main == ("echo 1",)
    assert [one.name for one in repository.pin().pipeline.inputs] == ["count"]
    with pytest.raises(ConfigError, match="not a number"):
        repository.pin(inputs={"count": "many"})


def test_a_run_sees_includes_that_rules_left_out_when_the_repository_was_read(
    repository: Repository,
):
    """What was read for a push is not what a merge request or a variable asks for."""
    left_out = "include: [{local: more.yml, rules: [{if: $MORE}]}]\n"
    sha = repository.commit(
        {".gitlab-ci.yml": left_out + "job: {script: x}", "more.yml": "more: {script: x}"}
    )
    known = repository.pin()
    store = open_state(repository.settings).snapshots
    repository.record = replace(
        repository.record,
        ref=replace(repository.record.ref, sha=sha),
        digest=store.save_pipeline(known.pipeline),
    )

    found = repository.pin(variables=Variables([Variable(name="MORE", value="1")]))

    assert set(known.pipeline.jobs) == {"job"}
    assert set(found.pipeline.jobs) == {"job", "more"}


def test_an_unknown_ref_is_an_error_in_words(repository: Repository):
    """Nobody guesses another one."""
    with pytest.raises(SourceError, match="no branch, tag or commit id 'nowhere'"):
        repository.pin(ref="nowhere")


@pytest.mark.parametrize("changed", [(), ("a", "b/c")])
def test_changed_files_of_the_conf_count_before_those_of_git(
    repository: Repository, changed: tuple[str, ...]
):
    """As with `compile --changed`: also for `compare_to`."""
    context = repository.pin(changed=changed).context

    assert context.changed_paths == frozenset(changed)
    assert context.compared == {}
