"""Container images as a job names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from gitlab_ci_provider.model.variables import Variables

PullPolicy = Literal["always", "never", "if-not-present"]
PULL_POLICIES: tuple[PullPolicy, ...] = get_args(PullPolicy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """`image:`, every spelling collapsed.

    Attributes:
        entrypoint: replaces that of a service; that of a job is kept for the record: as with
            GitLab's Kubernetes executor it is not run.
        user: `UID` or `UID:GID` (`kubernetes:user`).
        pull_policies: in order of preference; empty means the runner's.
        docker_user, platform: for GitLab's Docker executor (`docker:user`, `docker:platform`).
    """

    name: str
    entrypoint: tuple[str, ...] | None = None
    user: str | None = None
    pull_policies: tuple[PullPolicy, ...] = ()
    docker_user: str | None = None
    platform: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One of `services:`: a container next to the job.

    Attributes:
        aliases: host names; empty means those made from the image's name.
        variables: for this service only, not expanded.
    """

    image: Image
    aliases: tuple[str, ...] = ()
    command: tuple[str, ...] | None = None
    variables: Variables = Variables()
