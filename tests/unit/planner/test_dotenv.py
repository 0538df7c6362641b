"""Dotenv variables in a plan."""

from __future__ import annotations

from dataclasses import replace

from factories import JOB, RUN, make_plan_request, make_variables, with_variables
from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.environment import Environment
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.planner.deployment import environment_url
from gitlab_ci_provider.planner.plan import plan_job


def test_the_report_is_planned_with_a_place_of_its_own():
    """It is where the archive of this try would be, and needs no archive."""
    job = replace(JOB, artifacts=Artifacts(reports={"dotenv": ("$CI_JOB_NAME.env",)}))

    plan = plan_job(make_plan_request(job)).plan

    assert plan.dotenv is not None
    assert plan.dotenv.paths == ("job.env",)
    assert plan.dotenv.object_key == "artifacts/group/project/7/job/2/dotenv.json"
    assert plan.uploads == ()
    assert plan.store is not None


def test_values_reach_whatever_the_job_expands():
    """The image of a later job can be one that an earlier one has named."""
    job = replace(JOB, image=Image(name="registry/$TOOL"))

    planned = plan_job(make_plan_request(job, dotenv=make_variables(TOOL="t:1")))

    assert planned.image.name == "registry/t:1"


def test_they_win_over_the_file_and_lose_against_pipeline_variables():
    """Tier 7 of GitLab's order."""
    run = replace(RUN, variables=make_variables(B="given"))
    job = with_variables(A="file", B="file")

    found = make_plan_request(job, run, dotenv=make_variables(A="dotenv", B="dotenv")).variables

    assert {one.name: one.value for one in found if one.name in "AB"} == {
        "A": "dotenv",
        "B": "given",
    }


def test_the_url_of_an_environment_may_use_what_the_job_itself_wrote():
    """GitLab sets the address of a deployment once its job has ended."""
    job = replace(JOB, environment=Environment(name="review", url="https://$HOST/$CI_JOB_NAME"))

    assert environment_url(make_plan_request(job), make_variables(HOST="a.b")) == "https://a.b/job"
