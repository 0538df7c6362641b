"""Whether a failed job is tried again: `retry:max`, `retry:when` and `retry:exit_codes`."""

from __future__ import annotations

from gitlab_ci_provider.model.job import Retry
from gitlab_ci_provider.model.run import JobResult

_ALSO_KNOWN_AS = {"image_pull_failure": "script_failure"}
"""GitLab's documentation counts a failed image pull as `script_failure` for `retry:when`."""


def should_retry(retry: Retry, result: JobResult, failed: int) -> bool:
    """Tell whether a job that has failed `failed` times by now is tried again.

    With both `when` and `exit_codes`, either is enough.
    """
    if failed > retry.max:
        return False
    if not retry.when and not retry.exit_codes:
        return True
    reason = result.failure_reason or "unknown_failure"
    reasons = {reason, _ALSO_KNOWN_AS.get(reason, reason), "always"}
    return bool(reasons & set(retry.when)) or result.exit_code in retry.exit_codes
