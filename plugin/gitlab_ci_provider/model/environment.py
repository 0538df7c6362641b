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
