"""Pipelines that create others: children from files and artifacts, and other projects."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from e2e.embedded import Stack, make_repository
from e2e.runs import ended, finish_log, mark, raw_log, results, start, states, wait_for
from gitlab_ci_provider.local.follow.downstream import downstream_runs
from servers.repositories import git

PARENT = """
stages: [build, test]
variables:
  GLOBAL: from the parent
compile:
  stage: build
  script: echo "made by the parent" > made.txt
  artifacts:
    paths: [made.txt]
child:
  stage: test
  variables:
    PARENT_PIPELINE_ID: $CI_PIPELINE_ID
    GREETING: hello $CI_PROJECT_NAME
  trigger:
    include:
      - local: ci/child.yml
        inputs:
          word: given
    strategy: depend
"""

CHILD = """
spec:
  inputs:
    word:
---
show:
  script:
    - echo "$CI_PIPELINE_SOURCE, $GREETING, $GLOBAL, $[[ inputs.word ]]" > shown.txt
    - cat made.txt >> shown.txt
  artifacts:
    paths: [shown.txt]
  needs:
    - pipeline: $PARENT_PIPELINE_ID
      job: compile
never:
  script: echo never
  rules:
    - if: $CI_PIPELINE_SOURCE == "push"
"""

GENERATING = """
stages: [make, run]
make:
  stage: make
  script:
    - 'for name in one two; do printf "%s:\\n  script: echo %s\\n" $name $name; done > made.yml'
  artifacts:
    paths: [made.yml]
generated:
  stage: run
  trigger:
    include:
      - artifact: made.yml
        job: make
    strategy: mirror
missing:
  stage: run
  allow_failure: true
  trigger:
    include:
      - artifact: other.yml
        job: make
"""

PATIENT = """
child:
  trigger:
    include: child.yml
    strategy: depend
"""

SLOW = """
stages: [one, two]
slow:
  stage: one
  script: [echo started, sleep 300]
late: {stage: two, script: 'true', when: always}
"""

DEPLOYING = """
deploy:
  trigger:
    project: local/deployment
    strategy: depend
    inputs:
      code: "3"
fire and forget:
  trigger: local/deployment
unknown:
  trigger: local/nobody-knows
"""

DEPLOYMENT = """
spec:
  inputs:
    code:
      default: "0"
---
go:
  script: exit $[[ inputs.code ]]
"""


@dataclass
class Downstream:
    """A pipeline that a job has created, as Airflow shows it."""

    stack: Stack
    dag: str
    run: str

    @property
    def states(self) -> dict[str, str | None]:
        """The states of its tasks."""
        tasks = self.stack.api.tasks(self.dag, self.run)
        return {name: task.state for name, task in tasks.items()}

    def artifact(self, task: str, path: str) -> str:
        """Read a file that one of its jobs has left."""
        result = self.stack.api.xcom(self.dag, self.run, task, "job_result")
        archive = self.stack.bucket / result["artifacts"][0]["object_key"]
        return zipfile.ZipFile(archive).read(path).decode()


def downstream(stack: Stack, report: dict[str, Any], job: str) -> Downstream:
    """Find the pipeline that a job has created."""
    found = report["jobs"][job]["downstream"]
    assert found, report["jobs"][job]["reason"]
    return Downstream(stack, found["dag_id"], found["run_id"])


def test_a_child_gets_inputs_variables_and_artifacts_of_its_parent(stack: Stack, tmp_path: Path):
    """A child runs at the parent's commit with forwarded variables, inputs and artifacts."""
    files = {".gitlab-ci.yml": PARENT, "ci/child.yml": CHILD}
    repository = make_repository(tmp_path / "family", files)

    report = stack.run(repository)

    assert report["status"] == "passed", report["jobs"]["child"]["reason"]
    child = downstream(stack, report, "child")
    assert child.dag == "local__family...child"
    sha = git(repository, "rev-parse", "HEAD")[:8]
    assert re.fullmatch(rf"[1-9][0-9]*-main-{sha}", child.run)
    upstream = stack.links({"dag_id": child.dag, "run_id": child.run}, "create_pipeline")
    url = report["jobs"]["child"]["downstream"]["url"]
    assert stack.links(report, "child") == {"Downstream pipeline": url}
    assert stack.note(report, "child") == f"[Downstream pipeline]({url})"
    assert unquote(upstream["Upstream pipeline"]) == report["url"]
    assert child.states["never"] == "skipped"
    shown = child.artifact("show", "shown.txt").splitlines()
    assert shown == ["parent_pipeline, hello family, from the parent, given", "made by the parent"]


def test_a_child_is_canceled_with_the_job_that_waits_for_it(stack: Stack, tmp_path: Path):
    """Anyone who stops the `trigger:` job stops the child: its pod goes, no later job runs."""
    files = {".gitlab-ci.yml": PATIENT, "child.yml": SLOW}
    repository = make_repository(tmp_path / "patient", files)
    dag, run = start(stack, repository)
    below = f"{dag}...child"
    wait_for(lambda: list(downstream_runs(stack.api, dag, run)) != [])
    child = next(downstream_runs(stack.api, dag, run)).run
    wait_for(lambda: "\nstarted\n" in raw_log(stack, below, child, "slow"))

    mark(stack, dag, run, "child", "failed")

    wait_for(lambda: ended(stack, below, child) and ended(stack, dag, run))
    assert results(stack, below, child)["slow"][0] == "canceled"
    assert states(stack, below, child)["late"] == "skipped"
    assert "canceled" in finish_log(stack, dag, run)


def test_a_child_can_be_made_of_a_file_that_a_job_generates(stack: Stack, tmp_path: Path):
    """A dynamic child gets its DAG while the parent runs; the next run finds it again."""
    repository = make_repository(tmp_path / "maker", {".gitlab-ci.yml": GENERATING})

    first, second = stack.run(repository), stack.run(repository)

    assert first["status"] == "passed", first["jobs"]["generated"]["reason"]
    children = [downstream(stack, report, "generated") for report in (first, second)]
    assert children[0].dag == children[1].dag
    assert children[0].run != children[1].run
    done = {"create_pipeline", "one", "two", "finish_pipeline"}
    assert children[0].states == dict.fromkeys(done, "success")
    missing = first["jobs"]["missing"]
    assert missing["status"] == "failed"
    assert "`other.yml` does not exist inside the `make` artifacts archive" in missing["reason"]


def test_another_projects_failure_reaches_those_who_wait_for_it(stack: Stack, tmp_path: Path):
    """`strategy: depend` takes the failure over; a job without a strategy only creates.

    The inputs of one pipeline are not those of the other.
    """
    deployment = make_repository(tmp_path / "deployment", {".gitlab-ci.yml": DEPLOYMENT})
    assert stack.command("up", stack.address(deployment)).returncode == 0
    repository = make_repository(tmp_path / "deploying", {".gitlab-ci.yml": DEPLOYING})

    report = stack.run(repository)

    status = {name: job["status"] for name, job in report["jobs"].items()}
    assert status == {"deploy": "failed", "fire and forget": "success", "unknown": "failed"}
    reason = "downstream pipeline failed: go (script failure, exit code 3)"
    assert report["jobs"]["deploy"]["reason"] == reason
    below = downstream(stack, report, "deploy")
    assert below.states["go"] == "failed"
    sha = git(deployment, "rev-parse", "HEAD")[:8]
    assert re.fullmatch(rf"[1-9][0-9]*-main-{sha}", below.run)
    assert report["jobs"]["fire and forget"]["downstream"]["status"] == "passed"
    assert "local/nobody-knows is not known here" in report["jobs"]["unknown"]["reason"]
