"""What a pipeline amounts to."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.schedule.pipeline_result import PipelineResult, PipelineStatus, finish

GOOD = JobResult(status=JobStatus.SUCCESS)
BAD = JobResult(status=JobStatus.FAILED)
ALLOWED = JobResult(status=JobStatus.FAILED, allowed_failure=True)
SKIPPED = JobResult(status=JobStatus.SKIPPED)
MANUAL = JobResult(status=JobStatus.MANUAL)
ABSENT = JobResult(status=JobStatus.ABSENT)
CANCELED = JobResult(status=JobStatus.CANCELED)


@pytest.mark.parametrize(
    ("jobs", "status"),
    [
        ({"a": GOOD, "b": MANUAL}, PipelineStatus.PASSED),
        ({"a": GOOD, "b": ALLOWED}, PipelineStatus.PASSED),
        ({"a": BAD, "b": SKIPPED}, PipelineStatus.FAILED),
        ({"a": BAD, "b": CANCELED}, PipelineStatus.FAILED),
        ({"a": GOOD, "b": CANCELED}, PipelineStatus.CANCELED),
        ({"a": SKIPPED, "b": ABSENT}, PipelineStatus.SKIPPED),
        ({"a": MANUAL, "b": SKIPPED}, PipelineStatus.SKIPPED),
    ],
)
def test_status(jobs: dict[str, JobResult], status: PipelineStatus):
    """The pipeline's status follows from its jobs'."""
    assert finish(jobs).status == status


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELED])
def test_allowed_failures_are_warnings(status: JobStatus):
    """A pipeline that passes though such jobs failed or were canceled names them, as in GitLab."""
    result = finish({"a": GOOD, "flaky": JobResult(status=status, allowed_failure=True)})

    assert result.text == "passed with warnings: flaky"


@pytest.mark.parametrize(
    ("coverages", "mean"), [((), None), ((None,), None), ((90.0, None, 85.5), 87.75)]
)
def test_the_coverage_is_the_mean_of_the_jobs_that_have_one(
    coverages: tuple[float | None, ...], mean: float | None
):
    """A job without coverage is not zero."""
    jobs = {
        str(n): JobResult(status=JobStatus.SUCCESS, coverage=one) for n, one in enumerate(coverages)
    }

    assert finish(jobs).coverage == mean


def test_the_text_has_all_that_a_person_asks_first():
    """How it ended, because of which jobs, and the coverage."""
    covered = JobResult(status=JobStatus.SUCCESS, coverage=80.5)

    assert finish({"a": covered}).text == "passed, coverage 80.5 %"
    assert finish({"a": covered, "b": BAD}).text == "failed: b, coverage 80.5 %"
    assert finish({"a": GOOD, "b": ALLOWED}).text == "passed with warnings: b"


def test_jobs_that_never_came_to_run_say_why():
    """The line for a person has the reason, which no log of the job holds."""
    result = finish({"a": GOOD, "b": JobResult(status=JobStatus.FAILED, reason="it is gone")})

    assert result.text == "failed: b (it is gone)"


def test_a_failed_pipeline_says_why_its_jobs_failed():
    """GitLab's reason in words, once for all jobs that failed for the same one."""
    script = FailureReason.SCRIPT_FAILURE
    broken = JobResult(
        status=JobStatus.FAILED, failure_reason=script, exit_code=2, reason="exit code 2"
    )
    late = JobResult(
        status=JobStatus.FAILED,
        failure_reason=FailureReason.JOB_EXECUTION_TIMEOUT,
        reason="ran longer than its timeout of 60 s",
    )

    result = finish({"unit": broken, "slow": late, "lint": broken, "odd": BAD})

    assert result.text == (
        "failed: unit, lint (script failure, exit code 2); slow (job execution timeout); odd"
    )


def test_the_text_names_what_jobs_expose():
    """`artifacts:expose_as` is for people: it is in the run's note, however the pipeline ended."""
    result = PipelineResult(
        status=PipelineStatus.PASSED, coverage=50, exposed=("Report (test)", "Site (pages)")
    )

    assert result.text == "passed, coverage 50 %; artifacts: Report (test), Site (pages)"
