"""What GitLab is told of the end of a job and of a pipeline, in the few states that it takes.

Unlike GitLab's own jobs, a reported one cannot be allowed to fail: reported as failed, it would
fail GitLab's pipeline. It is a success whose description says that the job has failed.
"""

from __future__ import annotations

from gitlab_ci_provider.model.report import CommitState, CommitStatus
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.schedule.pipeline_result import PipelineResult, PipelineStatus, cause

PIPELINE = "Airflow"
"""Name of the status of a pipeline."""

_STATES = {
    JobStatus.SUCCESS: CommitState.SUCCESS,
    JobStatus.FAILED: CommitState.FAILED,
    JobStatus.CANCELED: CommitState.CANCELED,
    JobStatus.SKIPPED: CommitState.SKIPPED,
    JobStatus.MANUAL: CommitState.SKIPPED,
}
_ALLOWED = "failed, but is allowed to: "
_NOT_PLAYED = "manual, not played"


def job_status(name: str, result: JobResult, url: str) -> CommitStatus | None:
    """Return what GitLab is told of a job that has ended; None when it was not in the pipeline."""
    state = _STATES.get(result.status)
    if state is None:
        return None
    said = cause(result) if result.status is JobStatus.FAILED else result.reason
    if result.status is JobStatus.MANUAL:
        said = _NOT_PLAYED
    if result.allowed_failure and state in {CommitState.FAILED, CommitState.CANCELED}:
        state, said = CommitState.SUCCESS, f"{_ALLOWED}{said or result.status}"
    return CommitStatus(name=name, state=state, url=url, description=said, coverage=result.coverage)


def pipeline_status(name: str, result: PipelineResult, url: str) -> CommitStatus:
    """Return what GitLab is told of a pipeline that has ended.

    One of manual jobs only is skipped in GitLab; a status that has run cannot become that.
    """
    states = {
        PipelineStatus.FAILED: CommitState.FAILED,
        PipelineStatus.CANCELED: CommitState.CANCELED,
    }
    return CommitStatus(
        name=name,
        state=states.get(result.status, CommitState.SUCCESS),
        url=url,
        description=result.text,
        coverage=result.coverage,
    )
