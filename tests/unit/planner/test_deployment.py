"""What a job does to its environment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from factories import make_context, make_job, make_pipeline, make_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.environment import (
    Deployment,
    Environment,
    EnvironmentRecord,
    EnvironmentState,
    JobEnvironment,
)
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.planner.deployment import after_success, plan_environment
from gitlab_ci_provider.variables.expand import expand_all
from gitlab_ci_provider.variables.masking import Masker
from gitlab_ci_provider.variables.precedence import effective_variables

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TOMORROW = "2026-02-01T12:00:00+00:00"
LATER = "2026-02-01T13:00:00+00:00"


def planned(
    environment: Environment | None, masker: Masker | None = None, **variables: str
) -> JobEnvironment | None:
    """Plan the environment of a job with these variables."""
    given: Variables = make_variables(**variables)
    job = make_job("deploy", environment=environment, own_variables=given)
    known = expand_all(effective_variables(job, make_pipeline(job), make_context()))
    return plan_environment(job, known, masker or Masker())


def environment(**given: Any) -> JobEnvironment:
    """Make an expanded environment."""
    return JobEnvironment(**{"name": "prod", "slug": "prod", "tier": "production", **given})


def deployment(**given: Any) -> Deployment:
    """Make a deployment."""
    known: dict[str, Any] = {
        "environment": "prod",
        "ref": "main",
        "sha": "a",
        "pipeline": 1,
        "job": "deploy",
    }
    return Deployment(**{**known, "iid": 1, "finished_at": "2026-01-31T12:00:00+00:00", **given})


def test_no_environment_is_none():
    """Most jobs have none."""
    assert planned(None) is None


def test_names_urls_and_times_are_expanded():
    """With the job's variables and with those of the environment itself."""
    written = Environment(
        name="review/$CI_COMMIT_REF_SLUG",
        url="https://$CI_ENVIRONMENT_SLUG.$DOMAIN",
        auto_stop_in="$DAYS days",
        on_stop="stop",
    )

    found = planned(written, DOMAIN="example.com", DAYS="2")

    assert found is not None
    assert found == JobEnvironment(
        name="review/main",
        slug=found.slug,
        tier="development",
        url=f"https://{found.slug}.example.com",
        says=("url",),
        on_stop="stop",
        auto_stop_in=172_800,
    )


@pytest.mark.parametrize(
    ("words", "seconds"), [("never", 0), ("1 week", 604_800), ("$X", 0), (None, None)]
)
def test_the_time_to_stop(words: str | None, seconds: int | None):
    """`never`, and a variable that is not there, keep the environment; no word, its time."""
    found = planned(Environment(name="prod", auto_stop_in=words))

    assert found is not None
    assert found.auto_stop_in == seconds


@pytest.mark.parametrize("name", ["review/$NOTHING", "$NOTHING", "a*b", "é", "$LONG"])
def test_a_name_that_gitlab_refuses_fails_the_job(name: str):
    """What a name is, only its variables tell."""
    with pytest.raises(SystemFailure, match="is not a valid environment name") as failure:
        planned(Environment(name=name), LONG="x" * 256)

    assert failure.value.reason == "environment_creation_failure"


def test_a_time_that_is_none_fails_the_job():
    """Rather than keeping the environment forever."""
    with pytest.raises(SystemFailure, match="auto_stop_in is 'soon'"):
        planned(Environment(name="prod", auto_stop_in="$WHEN"), WHEN="soon")


def test_a_secret_in_the_url_is_hidden():
    """The environment is shown and stored; the script's CI_ENVIRONMENT_URL still holds it."""
    masker = Masker(["hunter2hunter2"])

    found = planned(Environment(name="prod", url="https://x/?t=$T"), masker, T="hunter2hunter2")

    assert found is not None
    assert found.url == "https://x/?t=[MASKED]"


def test_a_deployment_makes_an_environment_available():
    """Its URL and time to stop are the job's; without a time it stays."""
    stopped = EnvironmentRecord(
        name="prod", slug="prod", tier="other", state=EnvironmentState.STOPPED, url="https://old"
    )
    job = environment(auto_stop_in=86_400)

    fresh = after_success(None, job, deployment(), NOW)
    again = after_success(stopped, environment(), deployment(iid=2), NOW)

    assert (fresh.state, fresh.auto_stop_at) == ("available", TOMORROW)
    assert (again.state, again.auto_stop_at, again.tier) == ("available", "", "production")
    assert again.deployment is not None
    assert (again.url, again.deployment.iid) == ("https://old", 2)


@pytest.mark.parametrize(("own", "expected"), [(None, TOMORROW), (0, ""), (86_400, LATER)])
def test_a_deployment_without_a_time_keeps_that_of_the_one_before(own: int | None, expected: str):
    """Only a job that says one, or `never`, changes it."""
    running = after_success(None, environment(auto_stop_in=86_400), deployment(), NOW)
    soon = NOW + timedelta(hours=1)

    again = after_success(running, environment(auto_stop_in=own), deployment(iid=2), soon)

    assert again.auto_stop_at == expected


def test_stopping_keeps_the_last_deployment():
    """A stopped environment has no time to stop."""
    running = after_success(None, environment(auto_stop_in=86_400), deployment(), NOW)

    stopped = after_success(running, environment(action="stop"), None, NOW)

    assert (stopped.state, stopped.auto_stop_at) == ("stopped", "")
    assert stopped.deployment == running.deployment


@pytest.mark.parametrize(
    ("action", "own", "expected"),
    [
        ("prepare", None, TOMORROW),
        ("access", None, TOMORROW),
        ("verify", None, ""),
        ("prepare", 3600, "2026-01-31T13:00:00+00:00"),
        ("verify", 3600, "2026-01-31T13:00:00+00:00"),
    ],
)
def test_other_actions_only_move_the_time(action: str, own: int | None, expected: str):
    """`prepare` and `access` restart the deployment's time, `verify` needs its own."""
    known = EnvironmentRecord(
        name="prod", slug="prod", tier="production", deployment=deployment(auto_stop_in=86_400)
    )

    found = after_success(known, environment(action=action, auto_stop_in=own), None, NOW)

    assert found.auto_stop_at == expected
    assert found.deployment == known.deployment


def test_an_endless_time_is_no_time():
    """Nobody waits past the year 9999."""
    found = after_success(None, environment(auto_stop_in=10**12), deployment(), NOW)

    assert found.auto_stop_at == ""
