"""What a runner adds to every job that it takes: services, scripts, variables, an image.

Source: GitLab Runner's `shells/abstract.go`, `common/build.go` and the services of its executors.
Variables of the runner are the weakest of all, its feature flags the strongest. Rules see neither:
they are evaluated before a runner takes the job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from gitlab_ci_provider.model.image import Image, Service
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import RunnerService
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.planner.time_limits import job_timeout


def for_runner(request: PlanRequest, runner: RunnerProfile) -> PlanRequest:
    """Return the request of a job as its runner changes it."""
    limits = replace(
        request.limits,
        default_image=runner.image or request.limits.default_image,
        start_timeout=runner.start_timeout or request.limits.start_timeout,
    )
    return replace(
        request,
        limits=limits,
        job=replace(
            _with_additions(request.job, runner),
            timeout=min(job_timeout(request), runner.maximum_timeout or job_timeout(request)),
        ),
        runner_variables=_variables(runner.environment),
        runner_flags=_variables(
            {name: str(value).lower() for name, value in runner.feature_flags.items()}
        ),
    )


def for_caches(target: StoreTarget, runner: RunnerProfile) -> StoreTarget:
    """Return an object store as the runner's caches use it.

    Source: GitLab Runner puts `Path` and, unless the cache is shared, the runner before each key.
    """
    folders = [runner.cache.path.strip("/")]
    if not runner.cache.shared:
        folders.append(f"runner/{quote(runner.name, safe='').replace('.', '%2E')}")
    parts = filter(None, (target.prefix.rstrip("/"), *folders))
    return replace(target, prefix="".join(f"{part}/" for part in parts))


def _with_additions(job: Job, runner: RunnerProfile) -> Job:
    """Add services and scripts: those of the runner begin, its `post_build_script` ends."""
    first, last = _commands(runner.pre_build_script), _commands(runner.post_build_script)
    script = replace(
        job.script, before=(*first, *job.script.before), main=(*job.script.main, *last)
    )
    return replace(
        job,
        script=script,
        services=(*map(_service, runner.services), *job.services),
        pre_get_sources=(*_commands(runner.pre_get_sources_script), *job.pre_get_sources),
    )


def _commands(script: str) -> tuple[str, ...]:
    return (script,) if script.strip() else ()


def _service(service: RunnerService) -> Service:
    return Service(
        image=Image(name=service.name, entrypoint=service.entrypoint or None),
        aliases=service.alias,
        command=service.command or None,
        variables=_variables(service.environment),
    )


def _variables(values: Mapping[str, str]) -> Variables:
    return Variables(Variable(name=name, value=value) for name, value in values.items())
