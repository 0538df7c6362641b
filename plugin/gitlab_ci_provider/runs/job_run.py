"""What one try of a job knows of its run: the pinned pipeline, its decision, the jobs before it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from airflow.sdk import Context

from gitlab_ci_provider.exceptions import NoPipelineError
from gitlab_ci_provider.hooks.ci_variables import configured_variables
from gitlab_ci_provider.hooks.git_login import git_login
from gitlab_ci_provider.hooks.object_store import store_target
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.job_artifacts import ArtifactReport
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.run import JobResult, PipelineRun, Play
from gitlab_ci_provider.planner.artifacts import wanted_artifacts
from gitlab_ci_provider.planner.environment import job_environment
from gitlab_ci_provider.planner.subject import Limits, Subject
from gitlab_ci_provider.runs.cross_needs import cross_results
from gitlab_ci_provider.runs.dotenv import inherited_variables
from gitlab_ci_provider.runs.record import ended_jobs, own_states, pull_result, pull_run
from gitlab_ci_provider.schedule.decide import Verdict, decide
from gitlab_ci_provider.schedule.order import predecessors, uses_needs
from gitlab_ci_provider.settings import Settings, load_settings
from gitlab_ci_provider.state import open_state
from gitlab_ci_provider.variables.expand import expand
from gitlab_ci_provider.variables.stored import secret_values


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One try of one job, before anything is planned."""

    record: PipelineRun
    pipeline: Pipeline
    job: Job
    decision: JobDecision
    ended: Mapping[str, JobResult]
    settings: Settings
    play: Play = Play()

    def verdict(self) -> Verdict:
        """Ask GitLab's rules whether the job starts."""
        before = {job: self.ended[job] for job in self.before() if job in self.ended}
        return decide(self.decision, before, needs=uses_needs(self.job, self.decision))

    def before(self) -> tuple[str, ...]:
        """List the jobs that decide about it."""
        return predecessors(self.job.name, self.pipeline, self.record.decisions)

    def unfinished(self) -> tuple[str, ...]:
        """List those of them that have not ended; the DAG has the job wait for all but a few."""
        return tuple(job for job in self.before() if job not in self.ended)


def load_job_run(context: Context, job: str) -> JobRun:
    """Read what is known of the run.

    Raises:
        NoPipelineError: the run has no pipeline, or its pipeline no such job.
    """
    settings = load_settings()
    states = own_states(context)
    record = pull_run(context, states)
    state = open_state(settings)
    pipeline = state.snapshots.load_pipeline(record.digest)
    if job not in pipeline.jobs:
        message = f"the pipeline of this run has no job '{job}': its DAG has changed since"
        raise NoPipelineError(message)
    state.holds.keep(record.dag_id, record.run_id, record.digest)
    return JobRun(
        record=record,
        pipeline=pipeline,
        job=pipeline.jobs[job],
        decision=record.decisions[job],
        ended=ended_jobs(context, record, pipeline, states),
        settings=settings,
    )


def subject(context: Context, run: JobRun) -> Subject:
    """Gather what the plan is made from."""
    ti = context["ti"]
    upstream, store = _upstream(context, run), store_target(run.settings.object_store_conn_id)
    reports = {job: result.reports for job, result in upstream.items()}
    project = run.record.project.path
    above = run.record.upstream.ancestors if run.record.upstream else ()
    others = {one.project for one in above} - {project}
    configured = configured_variables(project, run.record.variable_places)
    gathered = Subject(
        run=run.record,
        pipeline=run.pipeline,
        job=run.job,
        decision=run.decision,
        limits=Limits(
            default_image=run.settings.default_image,
            default_timeout=run.settings.default_timeout,
            artifacts_expire_in=run.settings.artifacts_expire_in,
            start_timeout=run.settings.pod_start_timeout,
            machine=platform.machine(),
            archives=run.settings.archive_limits,
        ),
        attempt=ti.try_number,
        url=ti.log_url or "",
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        upstream={job: result.artifacts for job, result in upstream.items()},
        dotenv=inherited_variables(reports, store),
        configured=configured,
        secrets=(*secret_values(configured), *_secrets_of(others)),
        login=git_login(run.record.project.clone_url, run.settings.git_conn_ids),
        store=store,
        play=run.play,
    )
    return _with_cross_needs(context, run, gathered, reports)


def _with_cross_needs(
    context: Context,
    run: JobRun,
    gathered: Subject,
    reports: Mapping[str, tuple[ArtifactReport, ...]],
) -> Subject:
    """Add what jobs of other pipelines have left; which ones, the job's variables may say."""
    needs = run.job.cross_needs
    if run.job.bridge is not None or not needs:
        return gathered
    environment = job_environment(gathered)
    found = cross_results(context, run.record, needs, environment, run.settings)
    others = {expand(one.project, environment) for one in needs if one.project}
    theirs = {label: result.reports for label, result in found.items()}
    return replace(
        gathered,
        upstream={
            **gathered.upstream,
            **{label: result.artifacts for label, result in found.items()},
        },
        dotenv=inherited_variables({**reports, **theirs}, gathered.store),
        secrets=(*gathered.secrets, *_secrets_of(others - {run.record.project.path})),
    )


def _secrets_of(projects: Iterable[str]) -> tuple[str, ...]:
    """List what other projects mask: their artifacts and variables may hold it."""
    listed = (secret_values(configured_variables(project)) for project in sorted(projects))
    return tuple(value for values in listed for value in values)


def _upstream(context: Context, run: JobRun) -> dict[str, JobResult]:
    """Ask the jobs whose artifacts are wanted what they left."""
    names = task_ids(run.pipeline.jobs)
    left: dict[str, JobResult] = {}
    for job in wanted_artifacts(run.job, run.decision, run.before()):
        if job in run.ended and run.pipeline.jobs[job].artifacts is not None:
            result = pull_result(context, names[job])
            left[job] = result or run.ended[job]
    return left
