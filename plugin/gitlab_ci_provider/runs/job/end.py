"""How one try of a job ends: decided and stored first, then reported to Airflow.

The pod is deleted between the two. A worker that is lost before leaves the pod to be found again,
one that is lost after leaves the decision: nothing runs twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from gitlab_ci_provider.exceptions import FailureReason, JobFailure, SystemFailure
from gitlab_ci_provider.model.environment import JobEnvironment
from gitlab_ci_provider.model.run import BY_HAND, JobResult, JobStatus
from gitlab_ci_provider.runs.cancel.jobs import canceled, meet, order_to
from gitlab_ci_provider.runs.job import attempts
from gitlab_ci_provider.runs.job.attempts import Kind
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.task_errors import said
from gitlab_ci_provider.schedule.retry import should_retry

_CRASHES = 2
"""How many errors of ours, or of Airflow, the job survives: another try finds its pod."""


class PodFailure(JobFailure):
    """The job's pod has ended, and the job has failed.

    Attributes:
        result: what it left anyway (`artifacts:when`, reports, coverage).
    """

    def __init__(
        self, message: str, *, reason: FailureReason, exit_code: int | None, result: JobResult
    ):
        super().__init__(message, reason=reason, exit_code=exit_code)
        self.result = result


@contextmanager
def deploying_to(environment: JobEnvironment | None) -> Iterator[None]:
    """Have the result of a job that fails in its pod say where it was deploying to."""
    try:
        yield
    except PodFailure as failure:
        failure.result = replace(failure.result, environment=environment)
        raise


class PullFailure(JobFailure):
    """An image could not be pulled; another pull policy may help.

    Attributes:
        container: whose image it is.
        written: bytes of the job's log so far.
    """

    def __init__(self, message: str, container: str, written: int):
        super().__init__(message, reason=FailureReason.IMAGE_PULL_FAILURE)
        self.container = container
        self.written = written


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How a try has ended.

    Attributes:
        result: of the job.
        message: for Airflow.
        again: Airflow is to try the job again.
        goes_on: the next try goes on with the pod, which is left.
    """

    result: JobResult
    message: str = ""
    again: bool = False
    goes_on: bool = False


def earlier_end(run: JobRun) -> Settled | None:
    """Return how the job has already ended if its worker was lost before it told Airflow."""
    end = attempts.load(run).end
    return None if end is None else Settled(result=end, message=f"{run.job.name}: {end.reason}")


def succeeded(run: JobRun, result: JobResult) -> Settled:
    """Settle a success."""
    return _for_good(run, Settled(result=result))


def failed(run: JobRun, failure: JobFailure) -> Settled:
    """Settle a failure: the job is tried again only if `retry` says so."""
    left = failure.result if isinstance(failure, PodFailure) else None
    result = replace(
        left or JobResult(status=JobStatus.FAILED),
        allowed_failure=run.may_fail(failure.exit_code),
        exit_code=failure.exit_code,
        failure_reason=failure.reason,
        reason=str(failure),
    )
    message = f"{run.job.name}: {failure} ({failure.reason})"
    known = attempts.load(run)
    if failure.reason == FailureReason.RUNNER_INTERRUPTED and run.settings.interrupted_retries:
        known = known.counted("interrupted")
        if known.interrupted <= run.settings.interrupted_retries:
            attempts.save(run, known)
            words = f"{message}; trying again, which `retry` does not count"
            return Settled(result=result, message=words, again=True)
    known = known.counted("failed")
    again = should_retry(run.job.retry, result, known.failed)
    attempts.save(run, known if again else replace(known, end=result))
    words = f"{message}; try {known.failed + 1}" if again else message
    return Settled(result=result, message=words, again=again)


def crashed(run: JobRun, problem: Exception) -> Settled:
    """Settle an error that is not the job's fault; after a few of them the job fails.

    Another try belongs to the same life of the job, so it finds the pod again.
    """
    failure = SystemFailure(said(problem), reason=FailureReason.UNKNOWN_FAILURE)
    known = attempts.load(run).counted("crashed")
    if known.crashed > _CRASHES:
        return failed(run, failure)
    attempts.save(run, known)
    return _going_on(run, failure)


def left(run: JobRun) -> Settled:
    """Settle that the worker was told to end, while the job goes on."""
    return _going_on(run, SystemFailure("its worker was told to end"))


def stopped(run: JobRun) -> Settled:
    """Settle that Airflow has stopped the task, and knows why.

    It has failed or cleared the task already, or runs the task again because its worker is shut
    down; the pod is gone, so that would be another life.
    """
    _count(run, "stopped")
    failure = SystemFailure("its task was stopped")
    end = _again(run, failure, JobStatus.CANCELED)
    return replace(end, result=canceled(run, BY_HAND))


def obeyed(run: JobRun) -> Settled | None:
    """Settle that the job was canceled; None when it was not."""
    order = order_to(run)
    if order is None:
        return None
    message = f"{run.job.name}: canceled {order.reason}"
    end = Settled(result=canceled(run, order.reason), message=message)
    settled = _for_good(run, end)
    meet(run)
    return settled


def _for_good(run: JobRun, end: Settled) -> Settled:
    known = attempts.load(run)
    attempts.save(run, replace(known, end=end.result))
    return end


def _going_on(run: JobRun, failure: JobFailure) -> Settled:
    """Leave the pod to the next try; where Airflow does not try again, the job has failed."""
    ti = run.context["ti"]
    if ti.try_number > ti.max_tries:
        return failed(run, failure)
    return replace(_again(run, failure, JobStatus.FAILED), goes_on=True)


def _again(run: JobRun, failure: JobFailure, status: JobStatus) -> Settled:
    result = JobResult(status=status, failure_reason=failure.reason, reason=str(failure))
    return Settled(result=result, message=f"{run.job.name}: {failure}", again=True)


def _count(run: JobRun, kind: Kind) -> None:
    attempts.save(run, attempts.load(run).counted(kind))
