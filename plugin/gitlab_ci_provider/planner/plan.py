"""The facade: from one try of one job to everything that its pod obeys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gitlab_ci_provider.exceptions import ConfigurationFailure, FailureReason, SystemFailure
from gitlab_ci_provider.model.environment import JobEnvironment
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.plan import IdToken, JobPlan, PlanVariable, PreGetSources
from gitlab_ci_provider.model.release import Release
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.model.service import PlannedService
from gitlab_ci_provider.model.support import limits
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.planner import script
from gitlab_ci_provider.planner.access import for_finish, for_hook, for_prepare, with_access
from gitlab_ci_provider.planner.artifacts import (
    plan_dotenv,
    plan_downloads,
    plan_reports,
    plan_uploads,
)
from gitlab_ci_provider.planner.build_settings import read_build_settings
from gitlab_ci_provider.planner.cache import plan_caches
from gitlab_ci_provider.planner.job_inputs import with_inputs
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.planner.services import plan_services
from gitlab_ci_provider.planner.sources import clone_path, plan_sources
from gitlab_ci_provider.planner.time_limits import access_period, deadline, grace, job_timeout
from gitlab_ci_provider.variables.expand import expand
from gitlab_ci_provider.variables.masking import Masker, masked_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """What the pod is made from.

    Attributes:
        secret: contents of the pod's Secret: the plan and the scripts.
        masked: values that must not appear in any log.
        honor_entrypoint: the image's entrypoint, or the one that the job names, starts the shell.
        timeout: seconds that the job may take.
        grace: seconds that the pod may take to end once it is deleted.
        environment: where the job deploys to, expanded.
        release: what it wants released, expanded.
        id_tokens: what its cluster is asked to sign.
    """

    image: Image
    plan: JobPlan
    secret: Mapping[str, str]
    masked: tuple[str, ...]
    timeout: int
    grace: int
    honor_entrypoint: bool = False
    services: tuple[PlannedService, ...] = ()
    environment: JobEnvironment | None = None
    release: Release | None = None
    id_tokens: tuple[IdToken, ...] = ()


def plan_job(request: PlanRequest) -> PlannedJob:
    """Plan one try of one job.

    Raises:
        SystemFailure: the job asks for something that the runner could not do either.
    """
    _refuse_what_cannot_be_honoured(request)
    request = replace(request, job=with_inputs(request.job, request.play.inputs))
    masked = request.masked
    with masked_errors(masked):
        if path := clone_path(request.variables):
            request = replace(request, clone_path=path)
        return _planned(request, masked)


def _planned(request: PlanRequest, masked: tuple[str, ...]) -> PlannedJob:
    services = plan_services(request)
    tokens = _id_tokens(request)
    plan = replace(_plan(request, tokens), services=services.checks)
    return PlannedJob(
        image=_image(request),
        plan=plan,
        secret={
            **({"hook.json": encode(for_hook(plan)).decode()} if plan.hook else {}),
            "prepare.json": encode(for_prepare(plan)).decode(),
            "finish.json": encode(for_finish(plan)).decode(),
            "entry": script.entry(plan, request.job.script, deadline=deadline(request)),
            "step_script": script.step_script(plan, request.job.script),
            "after_script": script.after_script(plan, request.job.script),
            **services.secret,
        },
        services=services.services,
        masked=(*masked, *_credentials(request)),
        timeout=job_timeout(request),
        grace=grace(request, plan),
        honor_entrypoint=read_build_settings(request.variables.get).honor_entrypoint,
        environment=_environment(request.job, request.variables, Masker(masked)),
        release=_release(request.job, request.variables, Masker(masked)),
        id_tokens=tokens,
    )


def _id_tokens(request: PlanRequest) -> tuple[IdToken, ...]:
    if "id_tokens" not in request.job.as_written:
        return ()
    from gitlab_ci_provider.planner.id_tokens import plan_id_tokens  # few jobs need it

    allowed, timeout = request.limits.id_token_audiences, job_timeout(request)
    return plan_id_tokens(request.job, request.variables, allowed, timeout)


def _environment(job: Job, variables: Variables, masker: Masker) -> JobEnvironment | None:
    if job.environment is None:
        return None
    from gitlab_ci_provider.planner.deployment import plan_environment  # most jobs do not need it

    return plan_environment(job, variables, masker)


def _release(job: Job, variables: Variables, masker: Masker) -> Release | None:
    if "release" not in job.as_written:
        return None
    from gitlab_ci_provider.planner.release import plan_release  # most jobs do not need it

    return plan_release(job, variables, masker)


def _credentials(request: PlanRequest) -> tuple[str, ...]:
    passwords = (request.login.password,) if request.login else ()
    stores = [store for store in (request.store, request.cache_store) if store]
    keys = [key for store in stores for key in (store.secret_key, store.session_token)]
    return tuple(value for value in (*passwords, *keys) if value)


def _refuse_what_cannot_be_honoured(request: PlanRequest) -> None:
    """Fail a job that would do something different without its unsupported keywords."""
    missing = [
        f"{limit.keyword} ({limit.effect})" for limit in limits(request.job) if limit.blocking
    ]
    if missing:
        message = f"the job uses keywords that are not supported yet: {', '.join(missing)}"
        raise SystemFailure(message, reason=FailureReason.RUNNER_UNSUPPORTED)


def _plan(request: PlanRequest, tokens: tuple[IdToken, ...]) -> JobPlan:
    caches = plan_caches(request)
    settings = read_build_settings(
        request.variables.get,
        job_timeout(request),
        debug_trace_disabled=request.limits.debug_trace_disabled,
    )
    sources = plan_sources(request, trace=settings.debug_trace)
    plan = JobPlan(
        job=request.job.name,
        project_dir=request.project_dir,
        variables=_plan_variables(request.variables),
        sources=sources.plan if request.run.project.clone_url else None,
        restores=caches.restores,
        downloads=plan_downloads(request),
        archives=caches.archives,
        uploads=plan_uploads(request),
        reports=plan_reports(request),
        dotenv=plan_dotenv(request),
        archive_limits=request.limits.archives,
        restore_cache_attempts=settings.restore_cache_attempts,
        download_attempts=settings.download_attempts,
        cache_seconds=settings.cache_seconds,
        cache_level=settings.cache_level,
        artifact_level=settings.artifact_level,
        meter_seconds=settings.meter_seconds,
        warnings=(*sources.warnings, *settings.warnings),
        debug_trace=settings.debug_trace,
        id_tokens=tuple(token.name for token in tokens),
    )
    plan = _with_hook(plan, request.job)
    return _with_access(plan, request)


def _with_access(plan: JobPlan, request: PlanRequest) -> JobPlan:
    """Let the plan use object stores if it has anything to keep or to fetch.

    Raises:
        SystemFailure: the installation has none.
    """
    cached = bool(plan.cache_keys)
    others = bool(plan.downloads or plan.uploads or plan.reports or plan.dotenv)
    if not (cached or others):
        return plan
    caches = request.cache_store if cached else None
    if request.store is None and (others or caches is None):
        message = (
            "this job has caches or artifacts, but no object store is configured: "
            "add its Airflow connection"
        )
        raise ConfigurationFailure(message)
    period = access_period(request, plan)
    return with_access(plan, request.store, period, caches)


def _with_hook(plan: JobPlan, job: Job) -> JobPlan:
    """Add the script before the fetch, where something is fetched."""
    sources = plan.sources
    if sources is None or not job.pre_get_sources or sources.strategy in {"none", "empty"}:
        return plan
    text = script.hook_script(plan, job.pre_get_sources)
    return replace(plan, hook=PreGetSources(script=text, attempts=sources.attempts))


def _image(request: PlanRequest) -> Image:
    image = request.job.image
    if image is None:
        return Image(name=request.limits.default_image)
    user = expand(image.user, request.variables) if image.user else None
    return replace(image, name=expand(image.name, request.variables), user=user)


def _plan_variables(variables: Variables) -> tuple[PlanVariable, ...]:
    """Turn variables into what the plan carries."""
    return tuple(
        PlanVariable(
            name=variable.name, value=variable.value, file=variable.file, masked=variable.masked
        )
        for variable in variables
    )
