"""`environment:`: where a job deploys to, and what is known of the environments of a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`environment:`, variables not expanded.

    Attributes:
        on_stop: the job that stops the environment.
        auto_stop_in: as written, a duration or a variable.
        kubernetes: as written; only GitLab's agent can use it.
    """

    name: str | None = None
    url: str | None = None
    action: str = "start"
    on_stop: str | None = None
    auto_stop_in: str | None = None
    deployment_tier: str | None = None
    kubernetes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnvironment:
    """`environment:` of one job of one pipeline, variables expanded.

    Attributes:
        says: which of `url` and `tier` the job says itself; the others are the environment's.
        auto_stop_in: seconds; 0 for `never`, None when the job does not say it.
        deployment: number of the deployment in its project; None when the job did not deploy.
        state: of the environment once the job has ended.
        auto_stop_at: ISO 8601, UTC; empty when the environment stays.
    """

    name: str
    slug: str
    tier: str
    action: str = "start"
    url: str = ""
    says: tuple[str, ...] = ()
    on_stop: str = ""
    auto_stop_in: int | None = None
    deployment: int | None = None
    state: str = ""
    auto_stop_at: str = ""


class EnvironmentState(StrEnum):
    """GitLab's words for the state of an environment."""

    AVAILABLE = "available"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One successful deployment.

    Attributes:
        iid: counts the deployments of a project; 0 until it has been given out.
        pipeline: CI_PIPELINE_ID.
        finished_at: ISO 8601, UTC.
        user: who played the job, or started the pipeline; empty when nobody did.
        job_url: of the task in the Airflow UI.
        on_stop: the job that stops the environment.
        auto_stop_in: seconds, as the job said; 0 for `never`.
    """

    iid: int = 0
    environment: str
    ref: str
    sha: str
    pipeline: int
    job: str
    finished_at: str
    user: str = ""
    job_url: str = ""
    url: str = ""
    on_stop: str = ""
    auto_stop_in: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRecord:
    """What is known of an environment.

    Attributes:
        url: of the last job that gave one.
        auto_stop_at: ISO 8601, UTC; empty when it stays.
        deployment: the last one; None for an environment that was only prepared or looked at.
    """

    name: str
    slug: str
    tier: str
    state: EnvironmentState = EnvironmentState.AVAILABLE
    url: str = ""
    auto_stop_at: str = ""
    deployment: Deployment | None = None
