"""A planned job as its runner lets it run: images allowed, pull policies, users, resources."""

from __future__ import annotations

from dataclasses import replace

from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.service import PlannedService
from gitlab_ci_provider.planner.plan import PlannedJob
from gitlab_ci_provider.runners.images import BUILD, SERVICE, permitted
from gitlab_ci_provider.runners.overrides import JobVariables, overridden_resources


def permitted_job(
    planned: PlannedJob, runner: RunnerProfile, variables: JobVariables
) -> PlannedJob:
    """Settle what the runner makes of the images of a job, and of its services.

    Raises:
        SystemFailure: the runner does not allow something.
    """
    image = permitted(planned.image, BUILD, runner, variables.warn)
    services = (_permitted(service, runner, variables) for service in planned.services)
    return replace(planned, image=image, services=tuple(services))


def _permitted(
    service: PlannedService, runner: RunnerProfile, variables: JobVariables
) -> PlannedService:
    """Settle a service; its own variables win over those of the job."""
    image = permitted(service.image, SERVICE, runner, variables.warn)
    if not service.overrides:
        return replace(service, image=image)
    own = replace(variables, values=service.overrides)
    resources = overridden_resources(runner.resources.service, "service", runner, own)
    return replace(service, image=image, resources=resources)
