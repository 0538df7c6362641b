"""How each job of a run ended, read from the states of its Airflow tasks.

Airflow has `skipped`; GitLab distinguishes absent, skipped and unplayed manual jobs. Which one it
was follows from the decisions and the earlier jobs, so nothing has to be stored for it.

Airflow has `failed`; GitLab distinguishes failed and canceled. A job that failed has left a result
that says so; a failed task without one was marked by a person: it was canceled.

A job of the pipeline whose task is gone, or that was skipped when it was its turn, has not done
what the commit asks for: the pipeline must not pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from gitlab_ci_provider.model.airflow_states import States, unfinished_status
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.schedule.order import in_order, predecessors, uses_needs
from gitlab_ci_provider.schedule.verdict import Start, Verdict, verdict_on

Told = Callable[[str], JobResult | None]
"""Reads the result that a job left; called only where Airflow's state is not enough."""

_STOPPED = "by hand, or its worker died before it could say why"
_PASSED_OVER = "by hand: its task was skipped when it was its turn"
_GONE = "this run no longer has a task for it: the DAG has changed, run the commit again"
_UNENDED = "its task has not ended, or is not in this run"


def results(
    pipeline: Pipeline,
    decisions: Mapping[str, JobDecision],
    states: States,
    told: Told,
    *,
    canceled: bool = False,
) -> dict[str, JobResult]:
    """Return the results of the jobs that have ended.

    Args:
        pipeline: of the run.
        decisions: for its jobs.
        states: Airflow's task state by job name; a job that is missing has not ended.
        told: reads the result that a job left.
        canceled: somebody has canceled jobs of the pipeline, including jobs that had not started.
    """
    run = _Run(pipeline=pipeline, decisions=decisions, states=states, told=told, canceled=canceled)
    ended: dict[str, JobResult] = {}
    for name in in_order(pipeline, decisions):
        result = run.result(name, ended)
        if result is not None:
            ended[name] = result
    return ended


def statuses(
    pipeline: Pipeline,
    decisions: Mapping[str, JobDecision],
    states: States,
    told: Told,
    *,
    played: Collection[str] = (),
) -> dict[str, JobStatus]:
    """Name the status of every job of a run that may still go on.

    A task that runs to find that its job does not start is pending, whatever Airflow says.

    Args:
        pipeline: of the run.
        decisions: for its jobs.
        states: Airflow's task state by job name.
        told: reads the result that a job left.
        played: manual and delayed jobs that have been played, or whose time has come.
    """
    ended = results(pipeline, decisions, states, told)

    def status(name: str) -> JobStatus:
        if name in ended:
            return ended[name].status
        found = _unfinished(pipeline, name, states)
        if found != JobStatus.RUNNING or states.get(name) != "running":
            return found
        start = _verdict(pipeline, decisions, name, ended).start
        runs = start == Start.RUN or (start != Start.SKIP and name in played)
        return found if runs else JobStatus.PENDING

    return {name: status(name) for name in pipeline.jobs}


def complete(
    decisions: Mapping[str, JobDecision], ended: Mapping[str, JobResult]
) -> dict[str, JobResult]:
    """Fail the jobs that should have ended and have not: nobody has run them."""
    lost = JobResult(status=JobStatus.FAILED, reason=_UNENDED)
    present = (name for name, decision in decisions.items() if decision.present)
    return {**ended, **{name: lost for name in present if name not in ended}}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What Airflow and the jobs say about a run."""

    pipeline: Pipeline
    decisions: Mapping[str, JobDecision]
    states: States
    told: Told
    canceled: bool

    def result(self, name: str, ended: Mapping[str, JobResult]) -> JobResult | None:
        """Return how a job ended; None when it has not.

        Args:
            name: of the job.
            ended: how the jobs before it ended.
        """
        decision, state = self.decisions[name], self.states.get(name)
        if not decision.present:
            return JobResult(status=JobStatus.ABSENT, reason=decision.reason)
        match state:
            case "success":
                return JobResult(status=JobStatus.SUCCESS)
            case "failed" | "upstream_failed":
                return _failed(decision, self.told(name))
            case "removed":
                return JobResult(status=JobStatus.FAILED, reason=_GONE)
            case "skipped":
                said = self.told(name) if self.canceled else None
                canceled = said is not None and said.status == JobStatus.CANCELED
                return said if canceled else self._skipped(name, ended)
            case _:
                return None

    def _skipped(self, name: str, ended: Mapping[str, JobResult]) -> JobResult:
        job, decision = self.pipeline.jobs[name], self.decisions[name]
        verdict = _verdict(self.pipeline, self.decisions, name, ended)
        if verdict.start == Start.RUN and not (job.bridge and _was_skipped(self.told(name))):
            return _canceled(decision, _PASSED_OVER)
        status = JobStatus.MANUAL if verdict.start == Start.MANUAL else JobStatus.SKIPPED
        return JobResult(status=status, reason=verdict.reason)


def _verdict(
    pipeline: Pipeline,
    decisions: Mapping[str, JobDecision],
    name: str,
    ended: Mapping[str, JobResult],
) -> Verdict:
    decision = decisions[name]
    before = predecessors(name, pipeline, decisions)
    ends = {other: ended[other] for other in before if other in ended}
    return verdict_on(decision, ends, needs=uses_needs(pipeline.jobs[name], decision))


def _failed(decision: JobDecision, said: JobResult | None) -> JobResult:
    """Return the result of a failed task: a job that failed has left one, else it was canceled."""
    if said is None or said.status not in {JobStatus.FAILED, JobStatus.CANCELED}:
        return _canceled(decision, _STOPPED)
    if said.status == JobStatus.CANCELED:
        return _canceled(decision, said.reason)
    return JobResult(
        status=JobStatus.FAILED,
        allowed_failure=decision.allow_failure.allows(said.exit_code),
        exit_code=said.exit_code,
        failure_reason=said.failure_reason,
        reason=said.reason,
    )


def _canceled(decision: JobDecision, reason: str) -> JobResult:
    allowed = decision.allow_failure.allows(None)
    return JobResult(status=JobStatus.CANCELED, allowed_failure=allowed, reason=reason)


def _was_skipped(said: JobResult | None) -> bool:
    """Return whether a bridge has ended as its downstream pipeline did, skipped."""
    return said is not None and said.status == JobStatus.SKIPPED


def _unfinished(pipeline: Pipeline, name: str, states: States) -> JobStatus:
    status = unfinished_status(states.get(name))
    waits_for_pipeline = status == JobStatus.SCHEDULED and pipeline.jobs[name].bridge is not None
    return JobStatus.RUNNING if waits_for_pipeline else status
