"""Canceling jobs and pipelines, by hand and by GitLab's rules."""

from __future__ import annotations

import re
import signal
from functools import partial
from pathlib import Path

import pytest

from e2e.embedded import Stack, commit, make_repository
from e2e.faulty import is_deferred, kill_component
from e2e.runs import ended, finish_log, mark, raw_log, results, start, states, wait_for
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from servers.repositories import git

BY_HAND = """
stages: [one, two]
job:
  stage: one
  script: [echo started, sleep 300]
  after_script: ['echo "cleaned up: $CI_JOB_STATUS"']
late: {stage: two, script: 'true', when: on_failure}
always: {stage: two, script: 'true', when: always}
"""


def test_a_task_marked_as_failed_is_a_canceled_job(stack: Stack, tmp_path: Path):
    """after_script runs, the pod goes, no later job runs, the pipeline ends as canceled."""
    repository = make_repository(tmp_path / "by-hand", {".gitlab-ci.yml": BY_HAND})
    dag, run = start(stack, repository)
    wait_for(lambda: "\nstarted\n" in raw_log(stack, dag, run, "job"))

    mark(stack, dag, run, "job", "failed")

    wait_for(lambda: "\ncleaned up: canceled\n" in raw_log(stack, dag, run, "job"))
    wait_for(lambda: stack.pods(repository) == [])
    wait_for(lambda: ended(stack, dag, run))
    assert states(stack, dag, run) == {
        "create_pipeline": "success",
        "job": "failed",
        "late": "skipped",
        "always": "skipped",
        "finish_pipeline": "failed",
    }
    assert re.search(r"^canceled by hand.*: job$", finish_log(stack, dag, run), re.MULTILINE)


@pytest.mark.parametrize("worker", ["alive", "lost"])
def test_a_cleared_job_is_run_again_in_a_new_pod(stack: Stack, tmp_path: Path, worker: str):
    """The new try does not follow the old pod, even if the worker never hears of the clear."""
    config = "job:\n  script: [echo started, sleep 300]\n  after_script: [echo over]\n"
    repository = make_repository(tmp_path / f"cleared-{worker}", {".gitlab-ci.yml": config})
    dag, run = start(stack, repository)
    wait_for(lambda: "\nstarted\n" in raw_log(stack, dag, run, "job"))
    first = stack.pods(repository)
    kill = partial(kill_component, stack, f"LocalExecutor: {stack.api.tasks(dag, run)['job'].id}")
    loses = worker == "lost" and not is_deferred(stack, dag, run, "job")

    if loses:
        kill(signal.SIGSTOP)
    body = {"dry_run": False, "task_ids": ["job"], "dag_run_id": run, "only_failed": False}
    stack.api.request("POST", f"/dags/{dag}/clearTaskInstances", json=body)
    if loses:
        kill(signal.SIGKILL)

    second = stack.home.job_logs / dag / run / "job" / "2.log"
    wait_for(lambda: second.exists() and "\nstarted\n" in second.read_text())
    wait_for(lambda: len(stack.pods(repository)) == 1)
    assert stack.pods(repository) != first
    stack.api.stop_run(dag, run)
    wait_for(lambda: stack.pods(repository) == [])


PLAYED = """
quick: {script: 'true'}
job: {script: [echo started, sleep 300], when: manual}
"""


def test_a_pipeline_that_runs_again_is_canceled_like_any_other(stack: Stack, tmp_path: Path):
    """It counts as passed until somebody plays a job, and a person ends it while that job runs."""
    repository = make_repository(tmp_path / "again", {".gitlab-ci.yml": PLAYED})
    dag, run = start(stack, repository)
    wait_for(lambda: ended(stack, dag, run))
    register = open_state(Settings(home=stack.home.data)).register

    def counts_as(status: str) -> bool:
        entry = register.of_run(dag, run)
        return entry is not None and entry.status == status

    assert counts_as("success")
    body = {
        "dry_run": False,
        "task_ids": ["job"],
        "dag_run_id": run,
        "only_failed": False,
        "include_downstream": True,
    }

    stack.api.request("POST", f"/dags/{dag}/clearTaskInstances", json=body)
    wait_for(lambda: "\nstarted\n" in raw_log(stack, dag, run, "job"))
    assert counts_as("running")
    stack.api.stop_run(dag, run)

    wait_for(lambda: counts_as("canceled"))
    wait_for(lambda: stack.pods(repository) == [])


AUTO_CANCEL = """
stages: [one, two]
default: {interruptible: true}
job:
  stage: one
  script: [echo started, sleep 300]
  after_script: ['echo "cleaned up: $CI_JOB_STATUS"']
  rules: [{if: '$CI_COMMIT_MESSAGE !~ /quick/'}]
later: {stage: two, script: 'true', when: always}
deploy: {stage: two, script: 'true', interruptible: false}
"""


def test_a_newer_pipeline_cancels_the_older_one(stack: Stack, tmp_path: Path):
    """`auto_cancel:on_new_commit: conservative`, the default: running and waiting jobs end."""
    repository = make_repository(tmp_path / "redundant", {".gitlab-ci.yml": AUTO_CANCEL})
    dag, older = start(stack, repository)
    wait_for(lambda: "\nstarted\n" in raw_log(stack, dag, older, "job"))
    commit(repository, {"x": "1"})
    git(repository, "commit", "-q", "--amend", "-m", "quick")

    newer = stack.api.trigger(dag, {})
    wait_for(lambda: ended(stack, dag, older) and ended(stack, dag, newer))

    assert stack.api.run_state(dag, newer) == "success"
    assert "\ncleaned up: canceled\n" in raw_log(stack, dag, older, "job")
    number = stack.api.xcom(dag, newer, "create_pipeline", "pipeline")["id"]
    assert results(stack, dag, older) == dict.fromkeys(
        ("job", "later", "deploy"), ("canceled", f"by pipeline {number}")
    )
    assert f"canceled by pipeline {number}: job, deploy, later" in finish_log(stack, dag, older)
    wait_for(lambda: stack.pods(repository) == [])


ON_JOB_FAILURE = """
workflow: {auto_cancel: {on_job_failure: all}}
slow: {script: [sleep 300], needs: []}
broken: {script: [test -e /nowhere], needs: []}
tolerated: {script: [exit 1], needs: [], allow_failure: true}
clean: {stage: deploy, script: 'true', when: on_failure}
"""


def test_the_first_failed_job_cancels_the_others(stack: Stack, tmp_path: Path):
    """`auto_cancel:on_job_failure: all`: also jobs that wait for a failure."""
    repository = make_repository(tmp_path / "failure", {".gitlab-ci.yml": ON_JOB_FAILURE})

    dag, run = start(stack, repository)
    wait_for(lambda: ended(stack, dag, run))

    found = {job: status for job, (status, _) in results(stack, dag, run).items()}
    assert found.pop("tolerated") in {"failed", "canceled"}
    assert found == {"slow": "canceled", "broken": "failed", "clean": "canceled"}
    assert "failed: broken" in finish_log(stack, dag, run)
    wait_for(lambda: stack.pods(repository) == [])


RESOURCE_GROUP = """
deploy:
  resource_group: $CI_COMMIT_REF_NAME
  script: [echo started, 'while ! test -e "$GATE"; do sleep 0.1; done']
  after_script: [date +%s.%N]
"""


def test_one_job_of_a_resource_group_at_a_time(stack: Stack, tmp_path: Path):
    """Across runs: the second waits without a worker, and starts when the first has ended."""
    repository = make_repository(tmp_path / "group", {".gitlab-ci.yml": RESOURCE_GROUP})
    dag, first = start(stack, repository)
    wait_for(lambda: "\nstarted\n" in raw_log(stack, dag, first, "deploy"))
    second = stack.api.trigger(dag, {})
    wait_for(lambda: states(stack, dag, second)["deploy"] == "deferred")
    assert len(stack.pods(repository)) == 1

    mark(stack, dag, first, "deploy", "failed")

    wait_for(lambda: "\nstarted\n" in raw_log(stack, dag, second, "deploy"))
    assert re.search(r"\n\d+\.\d+\n", raw_log(stack, dag, first, "deploy"))
    stack.api.stop_run(dag, second)
    wait_for(lambda: stack.pods(repository) == [])
