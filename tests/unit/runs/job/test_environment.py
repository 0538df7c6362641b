"""What a job takes from its environment where it does not say it itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factories import RUN, make_job, make_plan_request
from gitlab_ci_provider.model.environment import Environment, EnvironmentRecord
from gitlab_ci_provider.runs.job.deployment import with_environment
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from unit.runs.support import make_job_run, make_task_context

KNOWN = EnvironmentRecord(name="web", slug="web", tier="staging", url="https://old")


@pytest.fixture
def run(tmp_path: Path) -> JobRun:
    """A job of a project that has deployed to `web`."""
    state = open_state(Settings(home=tmp_path))
    state.environments.change(RUN.project.path, "web", lambda _known: KNOWN)
    return make_job_run(make_task_context(), state=state, record=RUN)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"name": "web"}, ("https://old", "staging")),
        ({"name": "web", "url": "https://new"}, ("https://new", "staging")),
        ({"name": "web", "deployment_tier": "production"}, ("https://old", "production")),
        (
            {"name": "web", "url": "https://new", "deployment_tier": "production"},
            ("https://new", "production"),
        ),
        ({"name": "prod"}, ("", "production")),
    ],
)
def test_what_the_job_does_not_say_is_the_environments(
    run: JobRun, written: dict[str, Any], expected: tuple[str, str]
):
    """A new environment has no URL, and its name tells its tier."""
    request = make_plan_request(make_job("deploy", environment=Environment(**written)))

    known = with_environment(run, request).variables

    assert (known.get("CI_ENVIRONMENT_URL"), known.get("CI_ENVIRONMENT_TIER")) == expected
