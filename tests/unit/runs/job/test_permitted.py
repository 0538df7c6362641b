"""What a runner makes of a job's services."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from factories import JOB, make_plan_request, make_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.image import Image, Service
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Amounts, PodResources, Resources
from gitlab_ci_provider.model.service import PlannedService
from gitlab_ci_provider.planner.plan import plan_job
from gitlab_ci_provider.runners.overrides import JobVariables
from gitlab_ci_provider.runs.job.permitted import permitted_job

SERVICES = Resources(
    requests=Amounts(cpu="100m", memory="64Mi"), max_requests=Amounts(cpu="2", memory="1Gi")
)
RUNNER = RunnerProfile(name="r", resources=PodResources(service=SERVICES))


def services(runner: RunnerProfile, image: str = "redis:7", **own: str) -> PlannedService:
    service = Service(image=Image(name=image), variables=make_variables(**own))
    planned = plan_job(make_plan_request(replace(JOB, services=(service,))))
    said: list[Any] = []
    variables = JobVariables({}, lambda _: False, said.append, said.append)
    return permitted_job(planned, runner, variables).services[0]


def test_a_service_may_ask_for_resources_of_its_own():
    """Its own KUBERNETES_SERVICE_* variables are for it alone, up to the runner's maximum."""
    found = services(RUNNER, KUBERNETES_SERVICE_CPU_REQUEST="1500m")

    assert found.resources is not None
    assert found.resources.requests == Amounts(cpu="1500m", memory="64Mi")
    assert services(RUNNER).resources is None
    with pytest.raises(SystemFailure, match="KUBERNETES_SERVICE_CPU_REQUEST"):
        services(RUNNER, KUBERNETES_SERVICE_CPU_REQUEST="3")


def test_a_runner_lists_the_images_that_services_may_have():
    """`allowed_services`, as in GitLab Runner."""
    runner = replace(RUNNER, allowed_services=("postgres:*",))

    assert services(runner, "postgres:16").image.name == "postgres:16"
    with pytest.raises(SystemFailure, match="allowed_services"):
        services(runner)
