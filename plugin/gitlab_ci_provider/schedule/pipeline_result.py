"""The result of a pipeline once its jobs have ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gitlab_ci_provider.model.run import JobResult, JobStatus


class PipelineStatus(StrEnum):
    """The end of a pipeline, as GitLab's pages call it."""

    PASSED = "passed"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"

    @property
    def in_api(self) -> str:
        """The same in GitLab's API and in our register."""
        return "success" if self == PipelineStatus.PASSED else str(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineResult:
    """The end of a pipeline.

    Attributes:
        warnings: jobs that failed or were canceled, and were allowed to fail.
        failed: jobs that failed the pipeline, or were canceled.
        reasons: why jobs were canceled, to be read after "canceled".
        causes: why jobs failed, in a few words, by job.
        coverage: percent, the mean of the jobs that have one.
        exposed: what `artifacts:expose_as` names, with its job.
        reason: why there was no pipeline.
    """

    status: PipelineStatus
    warnings: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    causes: Mapping[str, str] = field(default_factory=dict)
    coverage: float | None = None
    exposed: tuple[str, ...] = ()
    reason: str = ""

    @property
    def text(self) -> str:
        """One line for a person."""
        coverage = "" if self.coverage is None else f", coverage {self.coverage:g} %"
        exposed = f"; artifacts: {', '.join(self.exposed)}" if self.exposed else ""
        return f"{self._outcome}{coverage}{exposed}"

    @property
    def _outcome(self) -> str:
        if self.status == PipelineStatus.CANCELED and self.failed:
            why = " and ".join(self.reasons)
            return f"{self.status}{' ' if why else ''}{why}: {', '.join(self.failed)}"
        if self.failed:
            return f"{self.status}: {'; '.join(self._failed_by_cause)}"
        if self.warnings:
            return f"{self.status} with warnings: {', '.join(self.warnings)}"
        return f"{self.status}: {self.reason}" if self.reason else str(self.status)

    @property
    def _failed_by_cause(self) -> list[str]:
        """List the failed jobs, those that failed for the same cause together."""
        by_cause: dict[str, list[str]] = {}
        for job in self.failed:
            by_cause.setdefault(self.causes.get(job, ""), []).append(job)
        return [
            f"{', '.join(jobs)} ({cause})" if cause else ", ".join(jobs)
            for cause, jobs in by_cause.items()
        ]


def is_current(state: str | None, end: Mapping[str, object]) -> bool:
    """Return whether a result that `finish_pipeline` has left is that of the run as it is now.

    The task skips itself only for a run without a pipeline; otherwise a person has stopped the run,
    and the result is from before the run was cleared.

    Args:
        state: of the task.
        end: the XCom that it has left.
    """
    status = end.get("status")
    return status == PipelineStatus.SKIPPED if state == "skipped" else bool(status)


def cause(result: JobResult) -> str:
    """Say in a few words why a job failed: GitLab's reason, or what is known instead."""
    if result.failure_reason is None:
        return result.reason
    code = result.exit_code
    return result.failure_reason.words + (f", exit code {code}" if code else "")


def finish(jobs: Mapping[str, JobResult]) -> PipelineResult:
    """Combine the ends of all jobs of a pipeline.

    A pipeline with nothing but optional manual jobs is skipped, as in GitLab's
    `Gitlab::Ci::Status::Composite`.
    """
    warnings = _named(jobs, frozenset({JobStatus.FAILED, JobStatus.CANCELED}), allowed=True)
    failed = _named(jobs, frozenset({JobStatus.FAILED}), allowed=False)
    canceled = _named(jobs, frozenset({JobStatus.CANCELED}), allowed=False)
    ran = {result.status for result in jobs.values()} - {JobStatus.ABSENT}
    status = PipelineStatus.PASSED
    if failed:
        status = PipelineStatus.FAILED
    elif canceled:
        status = PipelineStatus.CANCELED
    elif ran <= {JobStatus.SKIPPED, JobStatus.MANUAL}:
        status = PipelineStatus.SKIPPED
    return PipelineResult(
        status=status,
        warnings=warnings,
        failed=failed or canceled,
        reasons=_reasons(jobs, canceled),
        causes={name: cause(jobs[name]) for name in failed if cause(jobs[name])},
        coverage=_coverage(jobs),
    )


def _reasons(jobs: Mapping[str, JobResult], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(jobs[name].reason for name in names if jobs[name].reason))


def _coverage(jobs: Mapping[str, JobResult]) -> float | None:
    """Take the mean of all jobs that have a coverage, as `Ci::Pipeline#coverage` does."""
    known = [result.coverage for result in jobs.values() if result.coverage is not None]
    return round(sum(known) / len(known), 2) if known else None


def _named(
    jobs: Mapping[str, JobResult], statuses: frozenset[JobStatus], *, allowed: bool
) -> tuple[str, ...]:
    return tuple(
        name
        for name, result in jobs.items()
        if result.status in statuses and result.allowed_failure == allowed
    )
