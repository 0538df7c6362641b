"""`artifacts:`."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.durations import duration
from gitlab_ci_provider.config.keywords.fields import (
    Field,
    boolean,
    choice,
    mapping,
    strings,
    text,
)
from gitlab_ci_provider.model.artifacts import Artifacts, SaveWhen

KEYS = (
    "name", "untracked", "paths", "reports", "when", "expire_in", "expose_as", "exclude",
    "public", "access",
)  # fmt: skip
WHEN: tuple[SaveWhen, ...] = ("on_success", "on_failure", "always")


def read_artifacts(field: Field) -> Artifacts | None:
    """Read `artifacts:`."""
    if not mapping(field, KEYS):
        return None
    return Artifacts(
        paths=field.get("paths", strings) or (),
        exclude=field.get("exclude", strings) or (),
        untracked=field.get("untracked", boolean) or False,
        name=field.get("name", text),
        when=field.get("when", lambda entry: choice(entry, WHEN)) or "on_success",
        expire_in=field.get("expire_in", duration),
    )
