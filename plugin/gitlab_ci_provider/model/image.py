"""Container images as a job names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PullPolicy = Literal["always", "if-not-present", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """`image:`, every spelling collapsed.

    Attributes:
        entrypoint: kept for the record: as with GitLab's Kubernetes executor it is not run.
        user: `UID` or `UID:GID` (`kubernetes:user`).
        pull_policies: in order of preference; empty means the runner's.
    """

    name: str
    entrypoint: tuple[str, ...] | None = None
    user: str | None = None
    pull_policies: tuple[PullPolicy, ...] = ()
