"""`artifacts:`: what a job leaves for later jobs and for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

SaveWhen = Literal["on_success", "on_failure", "always"]
"""`artifacts:when` and `cache:when`: the outcome of the script after which files are saved."""

SAVE_WHEN: tuple[SaveWhen, ...] = get_args(SaveWhen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """`artifacts:`.

    Attributes:
        paths: globs below the project directory, variables not expanded.
        expire_in: seconds; None means the instance's default, 0 means never.
        reports: by kind (`junit`, `dotenv`, ...): globs of the files.
        coverage_format: of `reports:coverage_report`.
        access: `all`, `developer`, `maintainer` or `none`; None when not written.
    """

    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    untracked: bool = False
    name: str | None = None
    when: SaveWhen = "on_success"
    expire_in: int | None = None
    reports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    coverage_format: str | None = None
    expose_as: str | None = None
    public: bool = True
    access: str | None = None

    @property
    def readers(self) -> str:
        """Who may download them: the word of `access`; `public: false` means `developer`."""
        return self.access or ("all" if self.public else "developer")
