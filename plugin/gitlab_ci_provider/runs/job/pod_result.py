"""What a pod that has ended has left, as the result of its job; pure."""

from __future__ import annotations

from typing import TypeVar

from gitlab_ci_provider.model.job_artifacts import ArtifactReport, JobArtifact
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.pods.outcome import Outcome
from gitlab_ci_provider.storage.keys import is_of_job

Left = TypeVar("Left", JobArtifact, ArtifactReport)


def result_of(end: Outcome, pod: str, coverage: float | None, archive_key: str) -> JobResult:
    """Make the result of a job.

    What is not this job's is left out: later jobs may read what its pod says it has left.

    Args:
        end: of the pod.
        pod: its name.
        coverage: found in its log.
        archive_key: of this try.
    """
    return JobResult(
        status=JobStatus.FAILED if end.failure_reason else JobStatus.SUCCESS,
        exit_code=end.exit_code,
        artifacts=_own(end.artifacts, archive_key),
        reports=_own(end.reports, archive_key),
        coverage=coverage,
        pod=pod,
    )


def names_foreign(end: Outcome, result: JobResult) -> bool:
    """Tell whether a pod has named what is not its job's."""
    return (end.artifacts, end.reports) != (result.artifacts, result.reports)


def _own(left: tuple[Left, ...], archive_key: str) -> tuple[Left, ...]:
    return tuple(
        some for some in left if all(is_of_job(key, archive_key) for key in some.object_keys)
    )
