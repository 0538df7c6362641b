"""How much time a job has: to end, to end once its pod is deleted, to use the object store."""

from __future__ import annotations

from datetime import UTC, datetime

from gitlab_ci_provider.model.plan import JobPlan
from gitlab_ci_provider.planner.build_settings import read_build_settings
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.storage.signing import Period

_ANSWER_TERM = 30
"""Seconds for a script to answer TERM; Kubernetes' own default."""

_SAVE = 120
"""Seconds for what a canceled job leaves in the object store."""

_CLOCKS = 900
"""Seconds for uploads that have begun to be tried again, and for clocks that differ."""

_EARLIER = 5
"""A pod deleted so many seconds before its job's time is over is deleted because of it."""


def job_timeout(request: PlanRequest) -> int:
    """Return how many seconds the job may take in all."""
    return request.job.timeout or request.limits.default_timeout


def deadline(request: PlanRequest) -> int:
    """Return when the job's time is over, in seconds since 1970."""
    started = int(datetime.fromisoformat(request.started_at).timestamp())
    return started + job_timeout(request) - _EARLIER


def access_period(request: PlanRequest, plan: JobPlan) -> Period:
    """Return how long the pod may use the object store: until it must have gone.

    Its time counts from its start, which may be as late as the installation waits for it.
    """
    seconds = request.limits.start_timeout + job_timeout(request)
    start = datetime.fromisoformat(request.started_at).astimezone(UTC)
    return Period(start=start, seconds=seconds + grace(request, plan) + _CLOCKS)


def access_ends_early(request: PlanRequest, plan: JobPlan) -> str:
    """Say that the object store's keys are over before the job's time is; empty if they are not.

    Addresses end with the keys that signed them.
    """
    stores = (request.store, request.cache_store)
    end = min((store.keys_end for store in stores if store and store.keys_end), default=0.0)
    if not (plan.writes and 0 < end < deadline(request)):
        return ""
    over = datetime.fromtimestamp(end, UTC)
    return (
        f"the keys of the object store are over at {over:%H:%M:%S} UTC, before this job's timeout: "
        "what the job saves after that is lost. Use keys that last longer, or a shorter `timeout`"
    )


def grace(request: PlanRequest, plan: JobPlan) -> int:
    """Return how many seconds the pod may take to end once it is deleted."""
    settings = read_build_settings(plan.value, job_timeout(request))
    after = settings.after_script_seconds if request.job.script.after else 0
    return _ANSWER_TERM + after + (_SAVE if plan.leaves else 0)
