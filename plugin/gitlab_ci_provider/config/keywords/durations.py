"""Durations as fields of a file."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.model.durations import parse_duration


def duration(field: Field, limit: int | None = None) -> int | None:
    """Read a duration in seconds."""
    seconds = parse_duration(field.value) if isinstance(field.value, str) else None
    if seconds is None:
        field.refuse("should be a duration")
        return None
    if limit is not None and seconds > limit:
        field.refuse("should not exceed the limit")
        return None
    return seconds


def expiry(field: Field) -> int | None:
    """Read a duration after which something is removed; `never` is 0."""
    return 0 if str(field.value).lower() == "never" else duration(field)
