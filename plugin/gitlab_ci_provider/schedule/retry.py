"""Whether a failed job is tried again: `retry:max`, `retry:when` and `retry:exit_codes`.

Source: GitLab's `Gitlab::Ci::Build::AutoRetry`.
"""

from __future__ import annotations

from collections.abc import Mapping

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.job import Retry
from gitlab_ci_provider.model.run import JobResult

_ALSO_KNOWN_AS: Mapping[FailureReason, FailureReason] = {
    FailureReason.IMAGE_PULL_FAILURE: FailureReason.SCRIPT_FAILURE,
    FailureReason.RUNNER_INTERRUPTED: FailureReason.RUNNER_SYSTEM_FAILURE,
    FailureReason.STUCK_PENDING_WITH_MATCHING_RUNNERS: FailureReason.STUCK_OR_TIMEOUT_FAILURE,
    FailureReason.STUCK_PENDING_NO_MATCHING_RUNNERS: FailureReason.STUCK_OR_TIMEOUT_FAILURE,
    FailureReason.NO_UPDATES_RUNNING: FailureReason.STUCK_OR_TIMEOUT_FAILURE,
    FailureReason.NO_UPDATES_CANCELING: FailureReason.STUCK_OR_TIMEOUT_FAILURE,
    FailureReason.SERVER_TIMEOUT_RUNNING: FailureReason.JOB_EXECUTION_TIMEOUT,
    FailureReason.SERVER_TIMEOUT_CANCELING: FailureReason.JOB_EXECUTION_TIMEOUT,
}
"""What `retry:when` calls a reason, too: GitLab's documentation counts a failed image pull as
`script_failure`, runners before 19 knew no `runner_interrupted`, and GitLab once had fewer reasons
for timeouts, whose names files still use."""

_RETRIED_ANYWAY = {FailureReason.SCHEDULER_FAILURE: 2}
"""How often a reason is tried again without any `retry`."""

_NEVER = frozenset(
    {
        FailureReason.CI_QUOTA_EXCEEDED,
        FailureReason.ENVIRONMENT_CREATION_FAILURE,
        FailureReason.FORWARD_DEPLOYMENT_FAILURE,
        FailureReason.MISSING_DEPENDENCY_FAILURE,
        FailureReason.NO_MATCHING_RUNNER,
    }
)


def should_retry(retry: Retry, result: JobResult, failed: int) -> bool:
    """Return whether a job that has failed `failed` times by now is tried again.

    With both `when` and `exit_codes`, either is enough.
    """
    reason = result.failure_reason or FailureReason.UNKNOWN_FAILURE
    if reason in _NEVER:
        return False
    allowed = retry.max if _listed(retry, reason, result.exit_code) else 0
    return failed <= (allowed or _RETRIED_ANYWAY.get(reason, 0))


def _listed(retry: Retry, reason: FailureReason, exit_code: int | None) -> bool:
    if retry.when is None and retry.exit_codes is None:
        return True
    reasons = {reason, _ALSO_KNOWN_AS.get(reason, reason), "always"}
    return bool(reasons & set(retry.when or ())) or exit_code in (retry.exit_codes or ())
