"""The final variables of a job: every scope merged in GitLab's order, then expanded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from gitlab_ci_provider import __version__
from gitlab_ci_provider.model.plan import PlanVariable
from gitlab_ci_provider.model.variables import Variable, Variables, merge
from gitlab_ci_provider.model.workspace import BUILDS_DIR
from gitlab_ci_provider.planner.subject import Subject
from gitlab_ci_provider.variables.expand import expand_all, expand_on_server
from gitlab_ci_provider.variables.masking import Masker
from gitlab_ci_provider.variables.precedence import RunVariables, effective_variables
from gitlab_ci_provider.variables.slugs import slug

_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm"}
"""How Go, in which GitLab Runner is written, names what `uname -m` says."""


def job_environment(subject: Subject) -> Variables:
    """List the job's variables, expanded, as its script sees them."""
    effective = effective_variables(
        subject.job,
        subject.pipeline,
        subject.context,
        subject.decision,
        workflow=subject.run.workflow_variables,
        run=RunVariables(
            predefined=_of_this_try(subject), dotenv=subject.dotenv, user=_player(subject)
        ),
    )
    return expand_all(effective)


def environment_url(subject: Subject, written: Variables = ()) -> str | None:
    """Expand `environment:url`, secrets masked; None when the job has none.

    Args:
        subject: the job.
        written: its own dotenv report, once it has ended.
    """
    environment = subject.job.environment
    if environment is None or environment.url is None:
        return None
    known = job_environment(replace(subject, dotenv=merge(subject.dotenv, written)))
    masker = Masker(one.value for one in known if one.masked)
    return masker.text(expand_on_server(environment.url, known))


def plan_variables(variables: Variables) -> tuple[PlanVariable, ...]:
    """Turn variables into what the plan carries."""
    return tuple(
        PlanVariable(name=one.name, value=one.value, file=one.file, masked=one.masked)
        for one in variables
    )


def _of_this_try(subject: Subject) -> Variables:
    """List the predefined variables that exist only once the job starts."""
    run, position = subject.run, list(subject.pipeline.jobs).index(subject.job.name)
    known = {
        "CI_PIPELINE_ID": str(run.id),
        "CI_PIPELINE_IID": str(run.iid),
        "CI_PIPELINE_URL": subject.url.split("/tasks/")[0],
        "CI_PIPELINE_CREATED_AT": run.created_at,
        "CI_PIPELINE_NAME": run.name or "",
        "CI_JOB_ID": f"{run.id}{position:04d}{subject.attempt:02d}",
        "CI_JOB_URL": subject.url,
        "CI_JOB_STARTED_AT": subject.started_at,
        "CI_JOB_TIMEOUT": str(subject.job.timeout or subject.limits.default_timeout),
        "CI_BUILDS_DIR": BUILDS_DIR,
        "CI_PROJECT_DIR": subject.project_dir,
        "CI_SERVER": "yes",
        "CI_DISPOSABLE_ENVIRONMENT": "true",
        "CI_JOB_STARTED_AT_SLUG": slug(subject.started_at),
        "CI_CONCURRENT_ID": "0",
        "CI_CONCURRENT_PROJECT_ID": "0",
        "CI_REPOSITORY_URL": run.project.clone_url,
        **_runner(subject),
    }
    if subject.environment_url:
        known["CI_ENVIRONMENT_URL"] = subject.environment_url
    return _fixed(known)


def _runner(subject: Subject) -> dict[str, str]:
    """Describe what takes a runner's place: it takes jobs with any tags."""
    machine = subject.limits.machine
    return {
        "CI_RUNNER_ID": "0",
        "CI_RUNNER_DESCRIPTION": "airflow-provider-gitlab-ci",
        "CI_RUNNER_TAGS": json.dumps(subject.job.tags),
        "CI_RUNNER_VERSION": __version__,
        "CI_RUNNER_REVISION": __version__,
        "CI_RUNNER_EXECUTABLE_ARCH": f"linux/{_GO_NAMES.get(machine, machine)}",
    }


def _player(subject: Subject) -> Variables:
    """Name who started the job: whoever played it, if Airflow knows."""
    play = subject.play
    if not play.user_id:
        return ()
    known = {
        "GITLAB_USER_ID": play.user_id,
        "GITLAB_USER_LOGIN": play.user_name,
        "GITLAB_USER_NAME": play.user_name,
    }
    return _fixed(known)


def _fixed(values: Mapping[str, str]) -> Variables:
    return tuple(Variable(name=name, value=value, expand=False) for name, value in values.items())
