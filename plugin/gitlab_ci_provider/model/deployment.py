"""Environments as they are: what is known of each of a project's, and its deployments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
        job_url: of the task in the Airflow UI.
        on_stop: the job that stops the environment.
        auto_stop_in: seconds, as the job said.
    """

    iid: int = 0
    environment: str
    ref: str
    sha: str
    pipeline: int
    job: str
    finished_at: str
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
