"""How the job that created a downstream pipeline ends.

Source: GitLab's `Ci::Bridge#inherit_status_from_downstream`.
"""

from __future__ import annotations

from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.schedule.pipeline_result import PipelineResult, PipelineStatus

_MIRRORED = {
    PipelineStatus.PASSED: JobStatus.SUCCESS,
    PipelineStatus.FAILED: JobStatus.FAILED,
    PipelineStatus.CANCELED: JobStatus.CANCELED,
    PipelineStatus.SKIPPED: JobStatus.SKIPPED,
}
_DEPENDENT = {**_MIRRORED, PipelineStatus.SKIPPED: JobStatus.FAILED}


def inherited(strategy: str | None, end: PipelineResult | None) -> JobResult:
    """Return how a bridge ends.

    Args:
        strategy: `mirror`, `depend`, or None when it did not wait.
        end: the pipeline's result; None when it was stopped before it had one.
    """
    if strategy is None:
        return JobResult(status=JobStatus.SUCCESS, reason="the downstream pipeline was created")
    end = end or PipelineResult(status=PipelineStatus.CANCELED)
    ends = _MIRRORED if strategy == "mirror" else _DEPENDENT
    return JobResult(status=ends[end.status], reason=f"downstream pipeline {end.text}")
