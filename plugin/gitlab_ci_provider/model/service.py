"""A service of a job as its pod runs it: all is decided, all texts are expanded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.runner_parts import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedService:
    """A container next to the job.

    Attributes:
        name: of the container.
        image: with what the job says of its entrypoint, user and pull policies.
        hosts: names under which the job and other services reach it.
        command: replaces the image's own; None leaves it as it is.
        environment: for each variable, the key of the pod's Secret that holds its value.
        overrides: its own `KUBERNETES_SERVICE_*` variables, by name.
        resources: what it asks for and may use; None leaves that to the runner.
    """

    name: str
    image: Image
    hosts: tuple[str, ...]
    command: tuple[str, ...] | None
    environment: Mapping[str, str]
    overrides: Mapping[str, str] = field(default_factory=dict)
    resources: Resources | None = None
