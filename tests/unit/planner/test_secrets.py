"""What must not be seen in a job's log beyond the job's own variables."""

from __future__ import annotations

from dataclasses import replace

from factories import make_job, make_plan_request
from gitlab_ci_provider.planner.plan import plan_job


def test_what_the_job_takes_from_others_is_masked():
    """Artifacts may hold what another project, environment or ref masks: the log hides it."""
    request = replace(make_plan_request(make_job("a")), secrets=("their-secret-value", ""))

    planned = plan_job(request)

    assert "their-secret-value" in planned.masked
    assert "" not in planned.masked
    assert "their-secret-value" not in str(planned.secret)
