"""What must not be seen in a job's log beyond the job's own variables."""

from __future__ import annotations

from dataclasses import replace

from factories import make_job, make_plan_request
from gitlab_ci_provider.model.plan import PlanVariable
from gitlab_ci_provider.planner.plan import plan_job
from gitlab_ci_provider.planner.plan_request import places_to_hide


def test_what_the_job_takes_from_others_is_masked():
    """Artifacts may hold what another project, environment or ref masks: the log hides it."""
    request = replace(make_plan_request(make_job("a")), secrets=("their-secret-value", ""))

    planned = plan_job(request)

    assert "their-secret-value" in planned.masked
    assert "" not in planned.masked
    assert "their-secret-value" not in str(planned.secret)


def test_a_triggerer_hides_what_the_helper_cannot():
    """The helper knows the masked variables of its job; for other values, it is told the places."""
    places = ("gitlab_ci_secret_variables__g__p",)
    request = replace(make_plan_request(make_job("a")), secrets=("mine", ""), secret_places=places)
    plan = plan_job(request).plan
    knowing = replace(plan, variables=(PlanVariable(name="A", value="mine", masked=True),))

    assert places_to_hide(request, plan) == places
    assert places_to_hide(request, knowing) == ()
