"""What a job does to its environment. Pure functions.

Source: GitLab's app/services/deployments/update_environment_service.rb for `start`,
app/services/environments/recalculate_auto_stop_service.rb for the others, and the state machine of
app/models/environment.rb. All of it happens once the job has succeeded.

Unlike GitLab, an environment exists once one of its jobs has succeeded, not when its pipeline was
created.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model.durations import parse_duration
from gitlab_ci_provider.model.environment import (
    Deployment,
    Environment,
    EnvironmentRecord,
    EnvironmentState,
    JobEnvironment,
)
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.variables.expand import expand_on_server
from gitlab_ci_provider.variables.masking import Masker

_NAME = re.compile(r"[a-zA-Z0-9_/\\${}. -]{1,255}")
"""GitLab's `Gitlab::Regex.environment_name_regex`, and the longest name."""

_KEEPS_THE_TIME = frozenset({"prepare", "access"})
"""Actions that restart the time until the environment is stopped, as set by the last deployment."""


def plan_environment(job: Job, variables: Variables, masker: Masker) -> JobEnvironment | None:
    """Expand a job's environment; it is shown to people, so secrets are masked.

    Raises:
        SystemFailure: GitLab would refuse the name or the time that the variables make.
    """
    environment = job.environment
    if environment is None or not environment.name:
        return None
    _check_name(variables.get("CI_ENVIRONMENT_NAME"))
    written = (("url", environment.url), ("tier", environment.deployment_tier))
    return JobEnvironment(
        name=masker.text(variables.get("CI_ENVIRONMENT_NAME")),
        slug=masker.text(variables.get("CI_ENVIRONMENT_SLUG")),
        tier=variables.get("CI_ENVIRONMENT_TIER"),
        action=environment.action,
        url=masker.text(expand_on_server(environment.url or "", variables)),
        says=tuple(name for name, value in written if value),
        on_stop=environment.on_stop or "",
        auto_stop_in=_stops_in(environment, variables),
    )


def environment_url(request: PlanRequest, written: Variables = Variables()) -> str | None:
    """Expand `environment:url`, secrets masked; None when the job has none.

    Args:
        request: the job.
        written: its own dotenv report, once it has ended.
    """
    environment = request.job.environment
    if environment is None or environment.url is None:
        return None
    known = replace(request, dotenv=request.dotenv | written).variables
    masker = Masker(known.masked_values)
    return masker.text(expand_on_server(environment.url, known))


def after_success(
    record: EnvironmentRecord | None,
    environment: JobEnvironment,
    deployment: Deployment | None,
    now: datetime,
) -> EnvironmentRecord:
    """Return the new state of an environment after one of its jobs has succeeded.

    Args:
        record: what was known; None for a new environment.
        environment: of the job.
        deployment: that the job made, for `action: start` only.
        now: when it succeeded.
    """
    known = record or EnvironmentRecord(
        name=environment.name, slug=environment.slug, tier=environment.tier
    )
    if environment.action == "stop":
        return replace(known, state=EnvironmentState.STOPPED, auto_stop_at="")
    stops = environment.auto_stop_in
    if deployment is not None:
        return replace(
            known,
            state=EnvironmentState.AVAILABLE,
            tier=environment.tier,
            url=environment.url or known.url,
            auto_stop_at=known.auto_stop_at if stops is None else _at(stops, now),
            deployment=deployment,
        )
    if stops is None and environment.action in _KEEPS_THE_TIME and known.deployment:
        stops = known.deployment.auto_stop_in
    return known if stops is None else replace(known, auto_stop_at=_at(stops, now))


def is_over(record: EnvironmentRecord, now: datetime) -> bool:
    """Return whether an environment is to be stopped: it is available, and its time has passed."""
    if record.state is not EnvironmentState.AVAILABLE or not record.auto_stop_at:
        return False
    return datetime.fromisoformat(record.auto_stop_at) <= now


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name.startswith("/") or name.endswith("/"):
        message = f"'{name}' is not a valid environment name: is one of its variables empty?"
        raise SystemFailure(message, reason=FailureReason.ENVIRONMENT_CREATION_FAILURE)


def _at(seconds: int, now: datetime) -> str:
    if not seconds:
        return ""
    try:
        return (now + timedelta(seconds=seconds)).isoformat(timespec="seconds")
    except OverflowError:  # later than the year 9999
        return ""


def _stops_in(environment: Environment, variables: Variables) -> int | None:
    """Read `auto_stop_in`; 0 for `never` and for a missing variable."""
    if environment.auto_stop_in is None:
        return None
    words = expand_on_server(environment.auto_stop_in, variables)
    if not words.strip() or words.strip().lower() == "never":
        return 0
    seconds = parse_duration(words)
    if seconds is None:
        message = f"environment:auto_stop_in is '{words}', it must be a duration such as 1 day"
        raise SystemFailure(message, reason=FailureReason.ENVIRONMENT_CREATION_FAILURE)
    return seconds or None
