"""The facade: one try of one job to all that its pod obeys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gitlab_ci_provider.exceptions import FailureReason, JobFailure, SystemFailure
from gitlab_ci_provider.model.environment import JobEnvironment
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.plan import JobPlan, PlanVariable
from gitlab_ci_provider.model.release import Release
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.model.support import limits
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.planner import script
from gitlab_ci_provider.planner.access import for_finish, for_prepare, with_access
from gitlab_ci_provider.planner.artifacts import (
    plan_dotenv,
    plan_downloads,
    plan_reports,
    plan_uploads,
)
from gitlab_ci_provider.planner.cache import plan_caches
from gitlab_ci_provider.planner.job_inputs import with_inputs
from gitlab_ci_provider.planner.sources import clone_path, plan_sources
from gitlab_ci_provider.planner.subject import Subject
from gitlab_ci_provider.planner.time_limits import access_period, deadline, grace
from gitlab_ci_provider.variables.expand import expand
from gitlab_ci_provider.variables.masking import Masker


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """What the pod is made from.

    Attributes:
        secret: contents of the pod's Secret: the plan and the scripts.
        masked: values that must not appear in any log.
        grace: seconds that the pod may take to end once it is deleted.
        environment: where the job deploys to, expanded.
        release: what it wants released, expanded.
    """

    image: Image
    plan: JobPlan
    secret: Mapping[str, str]
    masked: tuple[str, ...]
    grace: int
    environment: JobEnvironment | None = None
    release: Release | None = None


def plan_job(subject: Subject) -> PlannedJob:
    """Plan one try of one job.

    Raises:
        SystemFailure: the job asks for what the runner could not do either.
    """
    _refuse_what_cannot_be_honoured(subject)
    subject = replace(subject, job=with_inputs(subject.job, subject.play.inputs))
    masked = tuple(
        dict.fromkeys((*subject.variables.masked_values, *filter(None, subject.secrets)))
    )
    try:
        if path := clone_path(subject.variables):
            subject = replace(subject, clone_path=path)
        return _planned(subject, masked)
    except JobFailure as failure:
        # What is wrong with a variable may quote another one's value.
        failure.args = (Masker(masked).text(str(failure)),)
        raise


def _planned(subject: Subject, masked: tuple[str, ...]) -> PlannedJob:
    plan = _plan(subject)
    return PlannedJob(
        image=_image(subject),
        plan=plan,
        secret={
            "prepare.json": encode(for_prepare(plan)).decode(),
            "finish.json": encode(for_finish(plan)).decode(),
            "entry": script.entry(plan, subject.job.script, deadline=deadline(subject)),
            "step_script": script.step_script(plan, subject.job.script),
            "after_script": script.after_script(plan, subject.job.script),
        },
        masked=(*masked, *_credentials(subject)),
        grace=grace(subject, plan),
        environment=_environment(subject.job, subject.variables, Masker(masked)),
        release=_release(subject.job, subject.variables, Masker(masked)),
    )


def _environment(job: Job, variables: Variables, masker: Masker) -> JobEnvironment | None:
    if job.environment is None:
        return None
    from gitlab_ci_provider.planner.deployment import plan_environment  # few jobs need it

    return plan_environment(job, variables, masker)


def _release(job: Job, variables: Variables, masker: Masker) -> Release | None:
    if "release" not in job.unhonoured:
        return None
    from gitlab_ci_provider.planner.release import plan_release  # few jobs need it

    return plan_release(job, variables, masker)


def _credentials(subject: Subject) -> tuple[str, ...]:
    passwords = (subject.login.password,) if subject.login else ()
    keys = (subject.store.secret_key, subject.store.session_token) if subject.store else ()
    return tuple(value for value in (*passwords, *keys) if value)


def _refuse_what_cannot_be_honoured(subject: Subject) -> None:
    """Fail a job that would do something else without the keywords that are not run yet."""
    missing = [
        f"{limit.keyword} ({limit.effect})" for limit in limits(subject.job) if limit.blocking
    ]
    if missing:
        message = f"the job uses keywords that are not supported yet: {', '.join(missing)}"
        raise SystemFailure(message, reason=FailureReason.RUNNER_UNSUPPORTED)


def _plan(subject: Subject) -> JobPlan:
    caches = plan_caches(subject)
    plan = JobPlan(
        job=subject.job.name,
        project_dir=subject.project_dir,
        variables=_plan_variables(subject.variables),
        sources=plan_sources(subject),
        restores=caches.restores,
        downloads=plan_downloads(subject),
        archives=caches.archives,
        uploads=plan_uploads(subject),
        reports=plan_reports(subject),
        dotenv=plan_dotenv(subject),
        archive_limits=subject.limits.archives,
    )
    saved = (*plan.archives, *plan.uploads, *plan.reports)
    if not (plan.restores or plan.downloads or saved or plan.dotenv):
        return plan
    if subject.store is None:
        message = (
            "this job has caches or artifacts, but no object store is configured: "
            "add its Airflow connection"
        )
        raise SystemFailure(message, reason=FailureReason.RUNNER_CONFIGURATION_ERROR)
    return with_access(plan, subject.store, access_period(subject, plan))


def _image(subject: Subject) -> Image:
    image = subject.job.image
    if image is None:
        return Image(name=subject.limits.default_image)
    return replace(image, name=expand(image.name, subject.variables))


def _plan_variables(variables: Variables) -> tuple[PlanVariable, ...]:
    """Turn variables into what the plan carries."""
    return tuple(
        PlanVariable(
            name=variable.name, value=variable.value, file=variable.file, masked=variable.masked
        )
        for variable in variables
    )
