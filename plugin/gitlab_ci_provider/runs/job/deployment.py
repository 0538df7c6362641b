"""Records what a job has done to its environment."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.model.environment import Deployment, JobEnvironment
from gitlab_ci_provider.model.job_artifacts import ArtifactReport
from gitlab_ci_provider.planner.deployment import after_success, environment_url
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.runs.dotenv import own_variables
from gitlab_ci_provider.runs.job_run import JobRun

_log = logging.getLogger(__name__)


def with_environment(run: JobRun, request: PlanRequest) -> PlanRequest:
    """Give a job the `url` and tier of its environment where it says none, as GitLab does."""
    environment = request.job.environment
    if environment is None or (environment.url and environment.deployment_tier):
        return request
    name = request.variables.get("CI_ENVIRONMENT_NAME")
    store, project = run.state.environments, run.record.project.path
    try:
        record = store.get(project, name)
    except (OSError, GitlabCiError) as problem:
        _log.warning("nothing is known of the environment %s: %s", name, problem)
        return request
    if record is None:
        return request
    return replace(
        request,
        environment_url="" if environment.url else record.url,
        environment_tier="" if environment.deployment_tier else record.tier,
    )


def record_success(
    run: JobRun,
    request: PlanRequest,
    environment: JobEnvironment,
    reports: Iterable[ArtifactReport],
) -> JobEnvironment:
    """Record what a job that has succeeded did; if that fails, it is a warning: the job is done.

    Args:
        run: of the job.
        request: what the job was planned from.
        environment: as it was planned.
        reports: of the job: the URL may use what its script wrote (`reports:dotenv`).

    Returns:
        the job's environment with its URL, the deployment's number and the new state.
    """
    now = datetime.now(UTC)
    try:
        url = environment_url(request, own_variables(reports, request.store)) or ""
        return _record(run, request, replace(environment, url=url), now)
    except (OSError, GitlabCiError) as problem:
        _log.warning("environment %s was not recorded: %s", environment.name, problem)
        return environment


def _record(
    run: JobRun, request: PlanRequest, environment: JobEnvironment, now: datetime
) -> JobEnvironment:
    store, project = run.state.environments, run.record.project.path
    deployment = None
    if environment.action == "start":
        deployment = store.deploy(project, _deployment(run, request, environment, now))
    record = store.change(
        project, environment.name, lambda known: after_success(known, environment, deployment, now)
    )
    _log.info(
        "environment %s: %s%s%s",
        record.name,
        record.state,
        f", deployment {deployment.iid}" if deployment else "",
        f", {record.url}" if record.url else "",
    )
    return replace(
        environment,
        url=environment.url or record.url,
        deployment=deployment.iid if deployment else None,
        state=str(record.state),
        auto_stop_at=record.auto_stop_at,
    )


def _deployment(
    run: JobRun, request: PlanRequest, environment: JobEnvironment, now: datetime
) -> Deployment:
    return Deployment(
        environment=environment.name,
        ref=run.record.ref.name,
        sha=run.record.ref.sha,
        pipeline=run.record.id,
        job=run.job.name,
        finished_at=now.isoformat(timespec="seconds"),
        user=request.play.user_name or run.record.user,
        job_url=request.url,
        url=environment.url,
        on_stop=environment.on_stop,
        auto_stop_in=environment.auto_stop_in,
    )
