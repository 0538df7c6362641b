"""The final variables of a job: every scope merged in GitLab's order, then expanded."""

from __future__ import annotations

from dataclasses import replace

from gitlab_ci_provider.model.plan import PlanVariable
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.planner.subject import Subject
from gitlab_ci_provider.variables.expand import expand_all, expand_on_server
from gitlab_ci_provider.variables.masking import Masker
from gitlab_ci_provider.variables.precedence import RunVariables, effective_variables
from gitlab_ci_provider.variables.predefined import (
    JobStart,
    player_variables,
    started_job_variables,
)


def job_environment(subject: Subject) -> Variables:
    """List the job's variables, expanded, as its script sees them."""
    effective = effective_variables(
        subject.job,
        subject.pipeline,
        subject.context,
        subject.decision,
        workflow=subject.run.workflow_variables,
        run=RunVariables(
            predefined=started_job_variables(subject.job, _start(subject)),
            dotenv=subject.dotenv,
            user=player_variables(subject.play),
        ),
    )
    return expand_all(effective)


def environment_url(subject: Subject, written: Variables = Variables()) -> str | None:
    """Expand `environment:url`, secrets masked; None when the job has none.

    Args:
        subject: the job.
        written: its own dotenv report, once it has ended.
    """
    environment = subject.job.environment
    if environment is None or environment.url is None:
        return None
    known = job_environment(replace(subject, dotenv=subject.dotenv | written))
    masker = Masker(known.masked_values)
    return masker.text(expand_on_server(environment.url, known))


def plan_variables(variables: Variables) -> tuple[PlanVariable, ...]:
    """Turn variables into what the plan carries."""
    return tuple(
        PlanVariable(
            name=variable.name, value=variable.value, file=variable.file, masked=variable.masked
        )
        for variable in variables
    )


def _start(subject: Subject) -> JobStart:
    run, position = subject.run, list(subject.pipeline.jobs).index(subject.job.name)
    return JobStart(
        run=run,
        job_id=f"{run.id}{position:04d}{subject.attempt:02d}",
        url=subject.url,
        started_at=subject.started_at,
        timeout=subject.job.timeout or subject.limits.default_timeout,
        project_dir=subject.project_dir,
        environment_url=subject.environment_url,
        machine=subject.limits.machine,
    )
