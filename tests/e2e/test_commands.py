"""`gitlab-dags jobs`, `logs`, `play`, `retry` and `cancel` on a real Airflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from e2e.embedded import Stack, make_repository
from e2e.runs import end_of, start, wait_for
from servers.repositories import git

PIPELINE = """
stages: [build, deploy, verify]
flaky:
  stage: build
  script: ['echo "try $CI_JOB_NAME"', exit 3]
  allow_failure: true
asked:
  stage: deploy
  when: manual
  manual_confirmation: Really?
  inputs: {target: {default: staging}}
  script: echo "to ${{ job.inputs.target }} $EXTRA"
smoke: {stage: verify, needs: [asked], script: echo smoke}
long: {stage: verify, needs: [], when: manual, script: sleep 600}
"""

STAGED = """
stages: [build, test]
pack: {stage: build, script: echo packed > pack, artifacts: {paths: [pack]}}
unit: {stage: test, needs: [pack], script: ["cat new || true", "cat pack || echo without"]}
"""


WAITING = """
approve: {script: echo approved, when: manual, allow_failure: false}
elsewhere: {script: echo never, rules: [{if: $ELSEWHERE}]}
"""


def test_why_a_job_is_left_out_is_told_while_the_pipeline_waits(stack: Stack, tmp_path: Path):
    """Its task has that as a note only when the run has ended."""
    place = stack.address(make_repository(tmp_path / "waits", {".gitlab-ci.yml": WAITING}))

    assert stack.command("run", place).returncode == 1
    told = json.loads(stack.command("jobs", place, "--json").stdout)["jobs"]

    found = {job["name"]: (job["status"], job["reason"]) for job in told}
    assert found == {"approve": ("manual", ""), "elsewhere": ("absent", "no rule matches")}
    assert stack.command("cancel", place).returncode == 0


@pytest.mark.embedded("it runs a folder of this machine")
def test_the_files_on_disk_run_and_the_working_copy_stays_as_it_is(stack: Stack, tmp_path: Path):
    """With changes that are not committed; a stage alone waits for nothing and gets nothing."""
    repository = make_repository(tmp_path / "disk", {".gitlab-ci.yml": STAGED})
    (repository / "new").write_text("not committed\n")
    before = git(repository, "status", "--porcelain"), git(repository, "show-ref")

    asked = ("--worktree", "--stage", "test", "--no-needs", "--quiet", "--follow", "u*")
    done = stack.command("run", str(repository), *asked)

    assert done.returncode == 0, done.stderr
    assert ("\nnot committed\n" in done.stderr, "\nwithout\n" in done.stderr) == (True, True)
    assert "running" not in done.stderr
    assert (git(repository, "status", "--porcelain"), git(repository, "show-ref")) == before


def test_a_pipeline_is_looked_at_and_changed_from_the_command_line(stack: Stack, tmp_path: Path):
    """Jobs are listed, played with their form, run again, canceled, and their logs read."""
    repository = make_repository(tmp_path / "commands", {".gitlab-ci.yml": PIPELINE})
    dag, run = start(stack, repository)
    place = stack.address(repository)
    assert end_of(stack.api, dag, run) == "success"

    def command(*arguments: str, code: int = 0) -> dict[str, Any]:
        done = stack.command(*arguments, "--json")
        assert done.returncode == code, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def statuses() -> dict[str, str]:
        return {job["name"]: job["status"] for job in command("jobs", place)["jobs"]}

    assert statuses() == {
        "flaky": "failed",
        "asked": "manual",
        "smoke": "skipped",
        "long": "manual",
    }

    command("play", place, "asked", "--input", "target=moon", "--var", "EXTRA=now")
    assert end_of(stack.api, dag, run) == "success"
    assert (statuses()["asked"], statuses()["smoke"]) == ("success", "success")
    assert "\nto moon now\n" in stack.command("logs", place, "asked").stdout
    assert command("play", place, "smoke", code=1)["status"] == "error"

    retried = command("retry", stack.api.run_url(dag, run))
    assert [job["name"] for job in retried["jobs"]] == ["flaky"]
    assert end_of(stack.api, dag, run) == "success"
    assert {"stage": "build", "tries": 2}.items() <= command("jobs", place)["jobs"][0].items()

    command("play", place, "long")
    wait_for(lambda: "$ sleep 600" in stack.command("logs", place, "long").stdout)
    command("cancel", place, "long")
    assert end_of(stack.api, dag, run) == "success"
    assert statuses()["long"] in {"canceled", "failed"}  # its worker may see the pod go first
    assert command("cancel", place, code=1)["error"] == "the pipeline has already ended"


LARGE = """
stages: [build, test, deploy]
compile: {stage: build, script: exit 3}
report: {stage: test, script: echo reported, when: on_failure}
publish: {stage: deploy, script: echo published}
"""


def large() -> str:
    """Write a pipeline of so many jobs that stages have ends; rules leave most of them out."""
    absent = "rules: [{when: never}]"
    return LARGE + "".join(
        f"{stage}-{number}: {{stage: {stage}, script: 'false', {absent}}}\n"
        for stage in ("build", "test", "deploy")
        for number in range(20)
    )


def test_jobs_of_a_large_pipeline_wait_for_the_stages_before(stack: Stack, tmp_path: Path):
    """They wait for the ends of stages, also when a job is retried, and ends are no jobs."""
    repository = make_repository(tmp_path / "large", {".gitlab-ci.yml": large()})
    dag, run = start(stack, repository)
    place = stack.address(repository)

    def listed() -> dict[str, str]:
        told = json.loads(stack.command("jobs", place, "--json").stdout)["jobs"]
        return {job["name"]: job["status"] for job in told if job["status"] != "absent"}

    def times() -> dict[str, tuple[str, str]]:
        answer = stack.api.request(
            "GET", f"/dags/{dag}/dagRuns/{run}/taskInstances", params={"limit": 100}
        )
        return {one["task_id"]: (one["start_date"], one["end_date"])
                for one in answer["task_instances"]}  # fmt: skip

    for tries in (1, 2):
        assert end_of(stack.api, dag, run) == "failed"
        assert listed() == {"compile": "failed", "report": "success", "publish": "skipped"}
        seen = times()
        assert seen["compile"][1] <= seen["end-of-build"][1]
        assert seen["end-of-build"][1] <= seen["end-of-test"][1] <= seen["publish"][0]
        assert stack.api.tasks(dag, run)["compile"].try_number == tries
        assert stack.api.tasks(dag, run)["report"].try_number == 1
        if tries == 1:
            assert stack.command("retry", place, "compile").returncode == 0
