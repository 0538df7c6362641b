"""The composite status of a job's predecessors, after GitLab's `Gitlab::Ci::Status::Composite`.

GitLab asks for it only once every predecessor has ended (or waits for a person), so the statuses
of jobs under way do not occur here.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from gitlab_ci_provider.model.run import JobResult, JobStatus


class Composite(StrEnum):
    """The combined status of the predecessors."""

    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELED = "canceled"


_GOOD = frozenset({"success", "skipped", "success_with_warnings", "ignored"})


def composite(predecessors: Iterable[JobResult], *, needs: bool) -> Composite:
    """Combine the results of the jobs that one job waits for.

    Args:
        predecessors: results of the jobs that are in the pipeline.
        needs: True when the job names them in `needs`, False for stage order.
    """
    statuses = {_mapped(result) for result in predecessors if result.status != JobStatus.ABSENT}
    if needs and statuses & {"skipped", "ignored"}:
        return Composite.SKIPPED
    if statuses and statuses <= {"skipped", "ignored"}:
        return Composite.SKIPPED
    if statuses <= _GOOD:
        return Composite.SUCCESS
    if statuses <= _GOOD | {"canceled"}:
        return Composite.CANCELED
    return Composite.FAILED


def _mapped(result: JobResult) -> str:
    if result.allowed_failure and result.status in {JobStatus.FAILED, JobStatus.CANCELED}:
        return "success_with_warnings"
    if result.status == JobStatus.MANUAL:
        return "ignored"
    return result.status.value
