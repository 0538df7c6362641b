"""What one try of a job knows of its run: the pinned pipeline, its decision, earlier jobs."""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.exceptions import NoPipelineError
from gitlab_ci_provider.model.airflow_states import ENDED
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.names import FINISH_PIPELINE
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.run import Play
from gitlab_ci_provider.runs.context import RunContext, TaskContext
from gitlab_ci_provider.runs.record import load_run, own_states, pull_run
from gitlab_ci_provider.schedule.order import predecessors, uses_needs
from gitlab_ci_provider.schedule.verdict import Verdict, verdict_on


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun(RunContext):
    """One try of one job, before anything is planned.

    Attributes:
        decision: of the rules.
        tasks: IDs of the tasks of the run.
        play: what the person who played the job entered.
        again: the pipeline had ended, and will end again, because jobs of it were cleared.
    """

    job: Job
    decision: JobDecision
    tasks: frozenset[str]
    play: Play = Play()
    again: bool = False

    def verdict(self) -> Verdict:
        """Ask GitLab's rules whether the job starts."""
        before = {job: self.ended[job] for job in self.before() if job in self.ended}
        return verdict_on(self.decision, before, needs=uses_needs(self.job, self.decision))

    def before(self) -> tuple[str, ...]:
        """List the jobs that decide about it."""
        return predecessors(self.job.name, self.pipeline, self.record.decisions)

    def unfinished(self) -> tuple[str, ...]:
        """List those of them that have not ended; the DAG has the job wait for all but a few."""
        return tuple(job for job in self.before() if job not in self.ended)

    def may_fail(self, exit_code: int | None = None) -> bool:
        """Return whether the pipeline may pass although the job fails, or is canceled."""
        return self.decision.allow_failure.allows(exit_code)


def load_job_run(task: TaskContext, job: str) -> JobRun:
    """Read what is known of the run.

    Raises:
        NoPipelineError: the run has no pipeline, or its pipeline no such job.
    """
    states = own_states(task)
    run = load_run(task, pull_run(task, states), states)
    if job not in run.pipeline.jobs:
        message = f"the pipeline of this run has no job '{job}': its DAG has changed since"
        raise NoPipelineError(message)
    record = run.record
    had_ended = task.state.holds.keep(record.dag_id, record.run_id, record.digest)
    return JobRun(
        context=run.context,
        settings=run.settings,
        state=run.state,
        record=record,
        pipeline=run.pipeline,
        ended=run.ended,
        orders=run.orders,
        job=run.pipeline.jobs[job],
        decision=record.decisions[job],
        tasks=frozenset(states),
        again=had_ended and states.get(FINISH_PIPELINE) not in ENDED,
    )
