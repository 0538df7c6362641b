"""`retry` through a real Airflow: which ends of a job are tried again."""

from __future__ import annotations

from pathlib import Path

from e2e.embedded import Stack, make_repository
from e2e.people import Person
from e2e.runs import wait_for

RETRIES = """
.waits: &waits
  script:
    - echo "try $CI_JOB_ID"
    - case "$CI_JOB_ID" in *01) sleep 300;; esac
interrupted: {<<: *waits, retry: {max: 1, when: runner_system_failure}}
unlisted: {<<: *waits, retry: {max: 1, when: script_failure}}
by-code: {script: 'exit 42', retry: {max: 2, exit_codes: 42}}
other-code: {script: 'exit 41', retry: {max: 2, exit_codes: 42}}
slow: {script: sleep 300, timeout: 3s, retry: {max: 1, when: job_execution_timeout}}
"""


def delete_pods(stack: Stack, names: list[str]) -> None:
    """Take pods away, as a cluster does."""
    for name in names:
        stack.core.delete_namespaced_pod(name, stack.namespace, grace_period_seconds=0)


def test_retry_by_reason_and_exit_code(stack: Stack, tmp_path: Path):
    """A reason or exit code that is listed retries up to `max`, any other does not."""
    repository = make_repository(tmp_path / "retries", {".gitlab-ci.yml": RETRIES})
    person = Person(stack, repository)
    for job in ("interrupted", "unlisted"):
        wait_for(lambda job=job: "\ntry " in person.job_log(job))  # type: ignore[misc]

    pods = stack.pods(repository)
    waiting = [name for name in pods if "interrupted" in name or "unlisted" in name]
    delete_pods(stack, waiting)

    assert person.wait_for_end() == "failed"
    tries = person.tries()
    assert [tries[job] for job in ("interrupted", "unlisted", "by-code", "other-code")] == [
        2,
        1,
        3,
        1,
    ]
    assert tries["slow"] == 2
    assert person.status("interrupted") == "success"
    assert person.reason("unlisted") == "runner_interrupted"
    assert person.reason("by-code") == "script_failure"
    assert person.reason("slow") == "job_execution_timeout"
