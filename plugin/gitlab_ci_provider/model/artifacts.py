"""`artifacts:`: what a job leaves for later jobs and for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SaveWhen = Literal["on_success", "on_failure", "always"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """`artifacts:`.

    Attributes:
        paths: globs below the project directory, variables not expanded.
        expire_in: seconds; None means the instance's default, 0 means never.
    """

    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    untracked: bool = False
    name: str | None = None
    when: SaveWhen = "on_success"
    expire_in: int | None = None
