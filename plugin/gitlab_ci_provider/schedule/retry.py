"""Whether a failed job is tried again: `retry:max`, `retry:when` and `retry:exit_codes`.

Source: GitLab's `Gitlab::Ci::Build::AutoRetry`.
"""

from __future__ import annotations

from gitlab_ci_provider.exceptions import INTERRUPTED
from gitlab_ci_provider.model.job import Retry
from gitlab_ci_provider.model.run import JobResult

_ALSO_KNOWN_AS = {
    "image_pull_failure": "script_failure",
    INTERRUPTED: "runner_system_failure",
}
"""What `retry:when` calls a reason, too: GitLab's documentation counts a failed image pull as
`script_failure`, and runners before 19 knew no `runner_interrupted`."""

_RETRIED_ANYWAY = {"scheduler_failure": 2}
"""How often a reason is tried again without any `retry`."""

_NEVER = frozenset(
    {
        "ci_quota_exceeded",
        "environment_creation_failure",
        "forward_deployment_failure",
        "missing_dependency_failure",
        "no_matching_runner",
    }
)


def should_retry(retry: Retry, result: JobResult, failed: int) -> bool:
    """Tell whether a job that has failed `failed` times by now is tried again.

    With both `when` and `exit_codes`, either is enough.
    """
    reason = result.failure_reason or "unknown_failure"
    if reason in _NEVER:
        return False
    allowed = retry.max if _listed(retry, reason, result.exit_code) else 0
    return failed <= (allowed or _RETRIED_ANYWAY.get(reason, 0))


def _listed(retry: Retry, reason: str, exit_code: int | None) -> bool:
    if retry.when is None and retry.exit_codes is None:
        return True
    reasons = {reason, _ALSO_KNOWN_AS.get(reason, reason), "always"}
    return bool(reasons & set(retry.when or ())) or exit_code in (retry.exit_codes or ())
