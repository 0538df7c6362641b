"""`retry`: which failures are tried again."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.config.keywords.retry import REASONS
from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.job import Retry
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.schedule.retry import should_retry


def failure(reason: str = "script_failure", exit_code: int | None = 1) -> JobResult:
    given = FailureReason(reason)
    return JobResult(status=JobStatus.FAILED, failure_reason=given, exit_code=exit_code)


def test_without_retry_nothing_is_tried_again():
    """By default there is no retry."""
    assert not should_retry(Retry(), failure(), failed=1)


@pytest.mark.parametrize(("failed", "again"), [(1, True), (2, True), (3, False)])
def test_max_counts_the_tries_after_the_first(failed: int, again: bool):
    """`retry: 2` means three tries in all."""
    assert should_retry(Retry(max=2), failure(), failed=failed) is again


def test_a_reason_that_is_not_listed_does_not_retry():
    """`retry:when` limits retries to its reasons."""
    retry = Retry(max=2, when=("runner_system_failure",))

    assert not should_retry(retry, failure("script_failure"), failed=1)
    assert should_retry(retry, failure("runner_system_failure"), failed=1)


def test_always_is_any_reason():
    """`when: always` retries on any failure."""
    assert should_retry(Retry(max=1, when=("always",)), failure("api_failure"), failed=1)


def test_an_exit_code_alone_is_enough():
    """With both `when` and `exit_codes`, one that matches suffices."""
    retry = Retry(max=1, when=("api_failure",), exit_codes=(137,))

    assert should_retry(retry, failure(exit_code=137), failed=1)
    assert not should_retry(retry, failure(exit_code=1), failed=1)


def test_an_image_pull_counts_as_script_failure():
    """GitLab documents a failed image pull as `script_failure`."""
    retry = Retry(max=1, when=("script_failure",))

    assert should_retry(retry, failure("image_pull_failure", None), failed=1)


def test_an_interruption_counts_as_system_failure():
    """Runners before 19 knew no `runner_interrupted`, and files say `runner_system_failure`."""
    for listed in ("runner_interrupted", "runner_system_failure"):
        retry = Retry(max=1, when=(listed,))

        assert should_retry(retry, failure("runner_interrupted", None), failed=1)

    only = Retry(max=1, when=("runner_interrupted",))
    assert not should_retry(only, failure("runner_system_failure", None), failed=1)


def test_a_reason_that_gitlab_divided_is_known_by_its_old_name():
    """Files say `stuck_or_timeout_failure` for what is now one of several reasons."""
    old = Retry(max=1, when=("stuck_or_timeout_failure",))

    assert should_retry(old, failure("stuck_pending_no_matching_runners", None), failed=1)
    assert not should_retry(old, failure("server_timeout_running", None), failed=1)


def test_a_scheduler_failure_is_tried_twice_again_without_retry():
    """GitLab retries these whatever the file says; a `max` of the file takes precedence."""
    broken = failure("scheduler_failure", None)

    assert should_retry(Retry(), broken, failed=2)
    assert not should_retry(Retry(), broken, failed=3)
    assert not should_retry(Retry(max=1), broken, failed=2)
    assert should_retry(Retry(max=1, when=("api_failure",)), broken, failed=2)


NEVER = (
    "ci_quota_exceeded",
    "environment_creation_failure",
    "forward_deployment_failure",
    "missing_dependency_failure",
    "no_matching_runner",
)


@pytest.mark.parametrize("reason", NEVER)
def test_what_is_never_tried_again(reason: str):
    """Some failures would only happen again: GitLab refuses to retry them."""
    assert not should_retry(Retry(max=2), failure(reason), failed=1)


@pytest.mark.parametrize("reason", sorted(REASONS - {"always"}))
def test_every_reason_that_can_be_listed_is_heeded(reason: str):
    """Each reason that `retry:when` accepts retries a failure of that reason, and only of it."""
    retry = Retry(max=1, when=(reason,))

    assert should_retry(retry, failure(reason), failed=1) is (reason not in NEVER)
    assert not should_retry(
        retry, failure("api_failure" if reason != "api_failure" else "script_failure"), failed=1
    )


@pytest.mark.parametrize("retry", [Retry(max=2, when=()), Retry(max=2, exit_codes=())])
def test_an_empty_list_retries_nothing(retry: Retry):
    """Only what is not written means any reason: an empty list is a list for Ruby."""
    assert not should_retry(retry, failure(), failed=1)
