"""How each job of a run ended, read from the states of its Airflow tasks.

Airflow knows `skipped`, GitLab tells absent, skipped and unplayed manual jobs apart; which one it
was follows from the decisions and the earlier jobs alone, so nothing has to be stored for it.

Airflow knows `failed`, GitLab tells failed and canceled apart. A job that failed has said so itself
(its result); a task that is failed without that word was marked so by a person: it was canceled.

A job of the pipeline whose task is gone, or that was skipped when it was its turn, has not done
what the commit asks for: the pipeline must not pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.schedule.decide import Start, decide
from gitlab_ci_provider.schedule.order import in_order, predecessors, uses_needs

Told = Callable[[str], JobResult | None]
"""What a job has said of its own end; asked only where Airflow's state leaves it open."""

_STOPPED = "by hand, or lost without a word"
_PASSED_OVER = "by hand: its task was skipped when it was its turn"
_GONE = "no task of this run has it any more: the DAG has changed, run the commit again"
_UNENDED = "its task has not ended, or is not in this run"


def results(
    pipeline: Pipeline,
    decisions: Mapping[str, JobDecision],
    states: Mapping[str, str | None],
    told: Told,
    *,
    canceled: bool = False,
) -> dict[str, JobResult]:
    """Tell how the jobs ended that have ended.

    Args:
        pipeline: of the run.
        decisions: for its jobs.
        states: Airflow's task state by job name; a job that is missing has not ended.
        told: asks a job for its result.
        canceled: somebody has canceled jobs of the pipeline, also such that had not started.
    """
    ended: dict[str, JobResult] = {}
    for name in in_order(pipeline, decisions):
        decision = decisions[name]
        if not decision.present:
            ended[name] = JobResult(status=JobStatus.ABSENT, reason=decision.reason)
            continue
        said = told(name) if canceled and states.get(name) == "skipped" else None
        if said is not None and said.status == JobStatus.CANCELED:
            ended[name] = said
            continue
        result = _result(name, pipeline, decision, (states.get(name), ended, told))
        if result is not None:
            ended[name] = result
    return ended


def complete(
    decisions: Mapping[str, JobDecision], ended: Mapping[str, JobResult]
) -> dict[str, JobResult]:
    """Fail the jobs of a pipeline that must have ended and have not: nobody has run them."""
    lost = JobResult(status=JobStatus.FAILED, reason=_UNENDED)
    missing = [name for name, one in decisions.items() if one.present and name not in ended]
    return {**ended, **dict.fromkeys(missing, lost)}


def _result(
    name: str,
    pipeline: Pipeline,
    decision: JobDecision,
    known: tuple[str | None, Mapping[str, JobResult], Told],
) -> JobResult | None:
    state, ended, told = known
    if state == "success":
        return JobResult(status=JobStatus.SUCCESS)
    if state in {"failed", "upstream_failed"}:
        return _failed(decision, told(name))
    if state == "removed":
        return JobResult(status=JobStatus.FAILED, reason=_GONE)
    if state == "skipped":
        return _skipped(name, pipeline, decision, (ended, told))
    return None


def _failed(decision: JobDecision, said: JobResult | None) -> JobResult:
    if said is not None and said.status == JobStatus.FAILED:
        allowed = decision.allow_failure.allows(said.exit_code)
        return JobResult(status=JobStatus.FAILED, allowed_failure=allowed, exit_code=said.exit_code)
    reason = said.reason if said is not None and said.status == JobStatus.CANCELED else _STOPPED
    allowed = decision.allow_failure.allows(None)
    return JobResult(status=JobStatus.CANCELED, allowed_failure=allowed, reason=reason)


def _skipped(
    name: str,
    pipeline: Pipeline,
    decision: JobDecision,
    known: tuple[Mapping[str, JobResult], Told],
) -> JobResult:
    (ended, told), job = known, pipeline.jobs[name]
    before = predecessors(name, pipeline, {name: decision})
    ends = {other: ended[other] for other in before if other in ended}
    verdict = decide(decision, ends, needs=uses_needs(job, decision))
    if verdict.start == Start.RUN and not (job.bridge and _was_skipped(told(name))):
        allowed = decision.allow_failure.allows(None)
        return JobResult(status=JobStatus.CANCELED, allowed_failure=allowed, reason=_PASSED_OVER)
    status = JobStatus.MANUAL if verdict.start == Start.MANUAL else JobStatus.SKIPPED
    return JobResult(status=status, reason=verdict.reason)


def _was_skipped(said: JobResult | None) -> bool:
    """Tell whether a bridge has ended as its downstream pipeline did, skipped."""
    return said is not None and said.status == JobStatus.SKIPPED
