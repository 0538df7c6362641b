"""Counting how a job has ended: failures and interruptions apart, for each pipeline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model.job import Retry
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.runs.job import attempts
from gitlab_ci_provider.runs.job import end as job_end
from gitlab_ci_provider.runs.job_run import JobRun
from unit.runs.support import RUN, make_job_run, make_task_context


@pytest.fixture
def run() -> JobRun:
    return make_job_run(make_task_context())


def test_kinds_are_counted_apart(run: JobRun):
    """An interruption is not a failure of the job."""
    known = attempts.load(run)
    for kind in ("failed", "interrupted", "failed"):
        known = known.counted(kind)
    attempts.save(run, known)

    found = attempts.load(run)
    assert (found.failed, found.interrupted) == (2, 1)


def test_a_new_pipeline_counts_anew(run: JobRun):
    """Clearing `create_pipeline` makes a new pipeline, whose jobs have not failed yet."""
    attempts.save(run, attempts.load(run).counted("failed"))

    assert attempts.load(replace(run, record=replace(RUN, created_at="later"))).failed == 0


def test_a_clear_and_a_retry_are_another_life(run: JobRun):
    """A lost worker changes nothing; a retry and a clear make another pod."""
    first = attempts.load(run).life
    lost = attempts.load(run).life
    job_end.failed(retried(run, 1), SystemFailure("no"))
    second = attempts.load(run).life
    run.context["ti"].max_tries += 3
    third = attempts.load(run).life

    assert lost == first
    assert len({first, second, third}) == 3


def test_an_end_is_told_again(run: JobRun):
    """What a job has ended with is known to the try after a lost worker."""
    result = JobResult(status=JobStatus.SUCCESS, exit_code=0, pod="p", coverage=7.5)
    job_end.succeeded(run, result)

    end = job_end.earlier_end(run)

    assert end is not None
    assert (end.result, end.again) == (result, False)


def test_a_final_failure_is_told_again_and_one_to_be_retried_is_not(run: JobRun):
    """After the last retry the failure is the end; before, the next try runs."""
    job_end.failed(retried(run, 1), SystemFailure("no"))
    between = job_end.earlier_end(run)
    job_end.failed(retried(run, 1), SystemFailure("no"))
    end = job_end.earlier_end(run)

    assert between is None
    assert end is not None
    assert (end.result.reason, end.again) == ("no", False)


def test_a_clear_forgets_the_end(run: JobRun):
    """Clearing a job that has ended runs it."""
    job_end.succeeded(run, JobResult(status=JobStatus.SUCCESS))
    run.context["ti"].max_tries += 1

    assert job_end.earlier_end(run) is None


def test_errors_of_ours_are_tried_again_twice(run: JobRun):
    """An error that is not the job's fault does not end it at once, nor is it retried forever."""
    again = [job_end.crashed(run, ValueError("odd")).again for _ in range(3)]

    assert again == [True, True, False]


def retried(run: JobRun, times: int) -> JobRun:
    return replace(run, job=replace(run.job, retry=Retry(max=times)))


@pytest.mark.parametrize(
    ("free", "retries", "again"),
    [
        (0, 0, [False]),
        (0, 1, [True, False]),
        (2, 0, [True, True, False]),
        (1, 1, [True, True, False]),
    ],
)
def test_interruptions_can_be_free(run: JobRun, free: int, retries: int, again: list[bool]):
    """`interrupted_retries` come before `retry`, which they do not use up."""
    run = replace(retried(run, retries), settings=replace(run.settings, interrupted_retries=free))
    gone = SystemFailure("gone", reason=FailureReason.RUNNER_INTERRUPTED)

    ends = [job_end.failed(run, gone) for _ in again]

    assert [end.again for end in ends] == again
    assert {end.result.failure_reason for end in ends} == {FailureReason.RUNNER_INTERRUPTED}
