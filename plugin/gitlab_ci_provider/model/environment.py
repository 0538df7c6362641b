"""`environment:`: where a job deploys to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`environment:`, variables not expanded.

    Attributes:
        on_stop: the job that stops the environment.
        auto_stop_in: as written, a duration or a variable.
        kubernetes: as written; only GitLab's agent can honour it.
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
        auto_stop_in: seconds; None when the job does not say it, or says `never`.
        deployment: number of the deployment in its project; None when the job did not deploy.
        state: of the environment once the job has ended.
        auto_stop_at: ISO 8601, UTC; empty when the environment stays.
    """

    name: str
    slug: str
    tier: str
    action: str = "start"
    url: str = ""
    on_stop: str = ""
    auto_stop_in: int | None = None
    deployment: int | None = None
    state: str = ""
    auto_stop_at: str = ""
