"""Gathers what a job's plan is made from: the run, results of earlier jobs, configuration."""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from gitlab_ci_provider.exceptions import GitlabApiError
from gitlab_ci_provider.gitlab_api.server import PATIENCE
from gitlab_ci_provider.hooks.ci_variables import airflow_variables, configured_variables
from gitlab_ci_provider.hooks.git_login import conn_ids_of, git_login
from gitlab_ci_provider.hooks.object_store import store_target
from gitlab_ci_provider.hooks.project_settings import project_settings
from gitlab_ci_provider.model.git_login import GitLogin
from gitlab_ci_provider.model.job_artifacts import ArtifactReport
from gitlab_ci_provider.model.names import dag_id, task_ids
from gitlab_ci_provider.model.run import JobResult
from gitlab_ci_provider.model.variables import WITHHELD, ConfiguredVariables
from gitlab_ci_provider.planner.artifacts import wanted_artifacts
from gitlab_ci_provider.planner.plan_request import Limits, PlanRequest, RunnerCaches
from gitlab_ci_provider.runs.cross_needs import cross_results
from gitlab_ci_provider.runs.dotenv import inherited_variables
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.record import pull_result
from gitlab_ci_provider.runs.schedule_values import with_schedule_variables
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.variables.configured import refuse_unknown
from gitlab_ci_provider.variables.expand import expand
from gitlab_ci_provider.variables.stored import secret_values

_PATIENCE_WITH_POD = 3600.0
"""Seconds."""

_log = logging.getLogger(__name__)


def plan_request(run: JobRun, *, has_pod: bool = False) -> PlanRequest:
    """Gather what the plan of a job is made from.

    Args:
        run: of the job.
        has_pod: the job runs already: a GitLab that is away is waited for, rather than the job
            ended.

    Raises:
        GitlabCiError: its variables cannot be read.
    """
    patience = _PATIENCE_WITH_POD if has_pod else PATIENCE
    run = replace(run, record=with_schedule_variables(run.record, run.settings, patience))
    configured = configured_variables(
        run.record.project, run.settings, run.record.variable_places, patience
    )
    upstream = _upstream(run)
    reports = {job: result.reports for job, result in upstream.items()}
    above = run.record.upstream.ancestors if run.record.upstream else ()
    others = {ancestor.project for ancestor in above} - {run.record.project.path}
    gathered = _gathered(run, configured, upstream)
    request = _with_cross_needs(run, _hiding(run, gathered, others), reports)
    if any(known.value == WITHHELD for layer in configured.layers for known in layer):
        refuse_unknown(request.variables)
    return request


def _gathered(
    run: JobRun, configured: ConfiguredVariables, upstream: Mapping[str, JobResult]
) -> PlanRequest:
    ti, project = run.context["ti"], run.record.project.path
    store = store_target(run.settings.object_store_conn_id)
    reports = {job: result.reports for job, result in upstream.items()}
    return PlanRequest(
        run=run.record,
        pipeline=run.pipeline,
        job=run.job,
        decision=run.decision,
        limits=planning_limits(run.settings),
        attempt=ti.try_number,
        url=ti.log_url or "",
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        upstream={job: result.artifacts for job, result in upstream.items()},
        dotenv=inherited_variables(reports, store),
        configured=configured,
        secrets=secret_values(configured),
        secret_places=configured.places,
        login=_login(run),
        store=store,
        play=run.play,
        cache_index=run.state.uses.cache_index(project) if run.job.caches else 0,
        runner_caches=_runner_caches(project) if run.job.caches else RunnerCaches(),
    )


def _login(run: JobRun) -> GitLogin | None:
    project = run.record.project
    return git_login(project.clone_url, conn_ids_of(project, run.settings.git_conn_ids))


def _runner_caches(project: str) -> RunnerCaches:
    settings = project_settings(project)
    return RunnerCaches(folder=settings.runner_cache, saves=settings.runner_cache_save)


def planning_limits(settings: Settings) -> Limits:
    """Return the defaults and limits of an installation."""
    return Limits(
        default_image=settings.default_image,
        default_timeout=settings.default_timeout,
        artifacts_expire_in=settings.artifacts_expire_in,
        start_timeout=settings.pod_start_timeout,
        services_timeout=settings.services_timeout,
        machine=platform.machine(),
        id_token_audiences=settings.audiences,
        debug_trace_disabled=settings.debug_trace_disabled,
        archives=settings.archive_limits,
    )


def _with_cross_needs(
    run: JobRun,
    gathered: PlanRequest,
    reports: Mapping[str, tuple[ArtifactReport, ...]],
) -> PlanRequest:
    """Add the results of jobs of other pipelines; the job's variables may say which ones."""
    needs = run.job.cross_needs
    if run.job.bridge is not None or not needs:
        return gathered
    environment = gathered.variables
    found = cross_results(run, needs, environment)
    others = {expand(need.project, environment) for need in needs if need.project}
    theirs = {label: result.reports for label, result in found.items()}
    return replace(
        _hiding(run, gathered, others - {run.record.project.path}),
        upstream={
            **gathered.upstream,
            **{label: result.artifacts for label, result in found.items()},
        },
        dotenv=inherited_variables({**reports, **theirs}, gathered.store),
    )


def _hiding(run: JobRun, request: PlanRequest, projects: Iterable[str]) -> PlanRequest:
    """Add what other projects mask: their artifacts and variables may contain it."""
    listed = [_of_other(run, project) for project in sorted(projects)]
    values = (value for configured in listed for value in secret_values(configured))
    places = (place for configured in listed for place in configured.places)
    return replace(
        request,
        secrets=(*request.secrets, *values),
        secret_places=tuple(dict.fromkeys((*request.secret_places, *places))),
    )


def _of_other(run: JobRun, path: str) -> ConfiguredVariables:
    """Read the variables of another project; GitLab may refuse to give them, as it hides nothing.

    Unlike GitLab, which masks the job's own values only.
    """
    known = run.state.snapshots.find_dag(dag_id(path))
    if known is None:
        return airflow_variables(path)
    try:
        return configured_variables(known.project, run.settings)
    except GitlabApiError as problem:
        _log.warning("values that %s masks are not hidden in this log: %s", path, problem)
        return airflow_variables(path)


def _upstream(run: JobRun) -> dict[str, JobResult]:
    """Read the results of the jobs whose artifacts this job uses."""
    names = task_ids(run.pipeline.jobs)
    left: dict[str, JobResult] = {}
    for job in wanted_artifacts(run.job, run.decision, run.before()):
        if job in run.ended and run.pipeline.jobs[job].artifacts is not None:
            result = pull_result(run, names[job])
            left[job] = result or run.ended[job]
    return left
