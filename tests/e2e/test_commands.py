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

    retried = command("retry", f"{stack.api.url}/dags/{dag}/runs/{run}")
    assert [job["name"] for job in retried["jobs"]] == ["flaky"]
    assert end_of(stack.api, dag, run) == "success"
    assert [job["tries"] for job in command("jobs", place)["jobs"] if job["name"] == "flaky"] == [2]

    command("play", place, "long")
    wait_for(lambda: "$ sleep 600" in stack.command("logs", place, "long").stdout)
    command("cancel", place, "long")
    assert end_of(stack.api, dag, run) == "success"
    assert statuses()["long"] in {"canceled", "failed"}  # its worker may see the pod go first
    assert command("cancel", place, code=1)["error"] == "the pipeline has already ended"
