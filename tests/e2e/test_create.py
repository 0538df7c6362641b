"""What `create_pipeline` makes of a ref, a form and the files of a commit, in a real Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from e2e.embedded import Stack, commit, make_repository
from e2e.runs import end_of, wait_for
from gitlab_ci_provider.model.run_address import read_address
from servers.repositories import git

CONFIG = """
spec:
  inputs:
    level: {type: number, default: 1}
---
workflow:
  name: 'Level $[[ inputs.level ]] of $CI_COMMIT_BRANCH'
  rules:
    - if: $CI_COMMIT_TAG
      when: never
    - when: always
docs: {script: 'true', rules: [{changes: [docs/**]}]}
code: {script: 'true', rules: [{changes: [src/**]}]}
since-main: {script: 'true', rules: [{changes: {paths: [src/**], compare_to: main}}]}
request: {script: 'true', rules: [{if: '$CI_MERGE_REQUEST_IID == "7"'}]}
always: {script: 'echo level $[[ inputs.level ]]'}
"""


def created(stack: Stack, *arguments: str) -> tuple[str, str, dict[str, Any]]:
    """Trigger a pipeline and wait until it is created; return its DAG, its run and its record."""
    done = stack.command("trigger", *arguments)
    assert done.stdout, done.stderr
    dag, run = printed(done.stdout)
    wait_for(lambda: stack.api.xcom(dag, run, "create_pipeline", "pipeline"))
    return dag, run, stack.api.xcom(dag, run, "create_pipeline", "pipeline")


def printed(line: str) -> tuple[str, str]:
    """Read DAG and run from the address at the end of a line."""
    address = read_address(line.rsplit(maxsplit=1)[-1])
    assert address is not None, line
    return address.dag, address.run


def present(record: dict[str, Any]) -> set[str]:
    """Name the jobs of a pipeline."""
    return {name for name, one in record["decisions"].items() if one["present"]}


def test_changed_files_inputs_and_merge_requests(stack: Stack, tmp_path: Path):
    """Pushes, merge requests and other sources see the changes that GitLab would show them."""
    files = {".gitlab-ci.yml": CONFIG, "src/a": "1", "docs/a": "1"}
    repository = make_repository(tmp_path / "changes", files)
    path = stack.address(repository)

    _, _, first = created(stack, path, "--source", "push", "--input", "level=3")
    before = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "-b", "topic")
    commit(repository, {"src/b": "2"})
    git(repository, "checkout", "-q", "main")
    commit(repository, {"docs/b": "2"})
    _, _, push = created(stack, path, "--source", "push")
    merge_request = ("--ref", "topic", "--merge-request", "7", "--target", "main")
    _, _, request = created(stack, path, *merge_request)

    assert present(first) == {"docs", "code", "always"}
    assert (first["iid"], first["name"]) == (1, "Level 3 of main")
    assert present(push) == {"docs", "always"}
    assert (push["iid"], push["commit"]["before_sha"]) == (2, before)
    assert present(request) == {"code", "since-main", "request", "always"}
    assert request["merge_request"]["diff_base_sha"] == before


def test_no_pipeline_is_skipped_with_its_reason(stack: Stack, tmp_path: Path):
    """When `workflow:rules` say no, all tasks are skipped and no number is used up."""
    repository = make_repository(tmp_path / "none", {".gitlab-ci.yml": CONFIG})
    git(repository, "tag", "v1")

    dag, run, record = created(stack, stack.address(repository), "--tag", "v1", "--wait")

    assert "says never" in record["reason"]
    assert record["iid"] == 0
    assert {one.state for one in stack.api.tasks(dag, run).values()} == {"skipped"}
    note = stack.api.request("GET", f"/dags/{dag}/dagRuns/{run}")["note"]
    assert note.startswith("Pipeline skipped:")
    assert "says never" in note


def test_a_ref_of_another_shape_runs_in_a_dag_of_its_own(stack: Stack, tmp_path: Path):
    """Its jobs are not those of the project's DAG; its numbers go on all the same."""
    repository = make_repository(tmp_path / "shape", {".gitlab-ci.yml": "a: {script: 'true'}\n"})
    main, _, first = created(stack, stack.address(repository))
    git(repository, "checkout", "-q", "-b", "feature")
    commit(repository, {".gitlab-ci.yml": "a: {script: 'true'}\nb: {script: 'true'}\n"})
    git(repository, "checkout", "-q", "main")

    dag, run, second = created(stack, stack.address(repository), "--ref", "feature")

    assert dag == f"{main}..feature"
    assert end_of(stack.api, dag, run) == "success"
    assert (first["iid"], second["iid"]) == (1, 2)


def test_a_run_finds_the_dag_that_has_its_jobs(stack: Stack, tmp_path: Path):
    """A person who names such a ref in Airflow's form need not know that it has another DAG."""
    repository = make_repository(tmp_path / "moved", {".gitlab-ci.yml": "a: {script: 'true'}\n"})
    main, _, _ = created(stack, stack.address(repository))
    git(repository, "checkout", "-q", "-b", "topic/x")
    commit(repository, {".gitlab-ci.yml": "b: {script: 'true'}\n"})
    sha = git(repository, "rev-parse", "HEAD")

    run = stack.api.trigger(main, {"ref": "topic/x"})

    assert end_of(stack.api, main, run) == "success"
    assert {one.state for one in stack.api.tasks(main, run).values()} == {"skipped"}
    moved = stack.api.xcom(main, run, "create_pipeline", "moved_to")
    assert moved["dag"].startswith(f"{main}..commits-")
    assert end_of(stack.api, moved["dag"], moved["run"]) == "success"
    record = stack.api.xcom(moved["dag"], moved["run"], "create_pipeline", "pipeline")
    assert (record["ref"]["name"], record["ref"]["sha"]) == ("topic/x", sha)
    assert (present(record), record["iid"]) == ({"b"}, 2)


def test_a_range_of_commits_is_run_oldest_first(stack: Stack, tmp_path: Path):
    """`backfill` runs each commit as the push that it was, also when its jobs were others."""
    config = ".gitlab-ci.yml"
    repository = make_repository(tmp_path / "range", {config: "a: {script: 'true'}\n"})
    first = git(repository, "rev-parse", "HEAD")
    commit(repository, {config: "a: {script: 'true'}\nold: {script: 'true'}\n"})
    commit(repository, {config: "a: {script: 'true', rules: [{changes: [x]}]}\n", "x": "1"})
    shas = git(repository, "rev-list", "--reverse", "HEAD").splitlines()

    listed = stack.command("backfill", stack.address(repository), "--from", first, "--dry-run")
    done = stack.command("backfill", stack.address(repository), "--from", first)

    assert [line.split()[0] for line in listed.stdout.splitlines()] == shas
    assert done.returncode == 0, done.stderr
    for sha, line in zip(shas, done.stdout.splitlines(), strict=True):
        dag, run = printed(line)
        assert line.startswith(sha)
        assert end_of(stack.api, dag, run) == "success"
        record = stack.api.xcom(dag, run, "create_pipeline", "pipeline")
        assert (record["ref"]["sha"], record["ref"]["name"]) == (sha, "main")
