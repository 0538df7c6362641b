"""How each job of a run ended, read from the states of its Airflow tasks.

Airflow knows `skipped`, GitLab tells absent, skipped and unplayed manual jobs apart; which one it
was follows from the decisions and the earlier jobs alone, so nothing has to be stored for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.schedule.decide import Start, decide
from gitlab_ci_provider.schedule.predecessors import predecessors, uses_needs

ExitCodes = Callable[[str], int | None]
"""Tells the exit code of a failed job; asked only when `allow_failure:exit_codes` needs it."""


def results(
    pipeline: Pipeline,
    decisions: Mapping[str, JobDecision],
    states: Mapping[str, str | None],
    exit_code: ExitCodes,
) -> dict[str, JobResult]:
    """Tell how the jobs ended that have ended.

    `states` holds Airflow's task state by job name; a job that is missing has not ended.
    """
    ended: dict[str, JobResult] = {}
    for name in _in_order(pipeline):
        decision = decisions[name]
        if not decision.present:
            ended[name] = JobResult(status=JobStatus.ABSENT, reason=decision.reason)
            continue
        result = _result(name, pipeline, decision, (states.get(name), ended, exit_code))
        if result is not None:
            ended[name] = result
    return ended


def _result(
    name: str,
    pipeline: Pipeline,
    decision: JobDecision,
    known: tuple[str | None, Mapping[str, JobResult], ExitCodes],
) -> JobResult | None:
    state, ended, exit_code = known
    if state == "success":
        return JobResult(status=JobStatus.SUCCESS)
    if state in {"failed", "upstream_failed"}:
        return _failed(name, decision, exit_code)
    if state in {"skipped", "removed"}:
        return _skipped(name, pipeline, decision, ended)
    return None


def _failed(name: str, decision: JobDecision, exit_code: ExitCodes) -> JobResult:
    code = exit_code(name) if decision.allow_failure.exit_codes else None
    allowed = decision.allow_failure.allows(code)
    return JobResult(status=JobStatus.FAILED, allowed_failure=allowed, exit_code=code)


def _skipped(
    name: str, pipeline: Pipeline, decision: JobDecision, ended: Mapping[str, JobResult]
) -> JobResult:
    before = predecessors(name, pipeline, {name: decision})
    known = {job: ended[job] for job in before if job in ended}
    verdict = decide(decision, known, needs=uses_needs(pipeline.jobs[name], decision))
    status = JobStatus.MANUAL if verdict.start == Start.MANUAL else JobStatus.SKIPPED
    return JobResult(status=status, reason=verdict.reason)


def _in_order(pipeline: Pipeline) -> list[str]:
    """Sort the jobs so that each comes after the jobs that it waits for."""
    order: dict[str, None] = {}
    for start in pipeline.jobs:
        stack = [(start, iter(pipeline.edges.get(start, ())))]
        while stack:
            name, waiting = stack[-1]
            following = next((job for job in waiting if job not in order), None)
            if following is None:
                order[name] = None
                stack.pop()
            else:
                stack.append((following, iter(pipeline.edges.get(following, ()))))
    return list(order)
