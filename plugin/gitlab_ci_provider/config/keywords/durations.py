"""Durations in words: `1 week`, `3h 30m`, `90` (seconds).

Source: GitLab reads them with the gem `chronic_duration`.
"""

from __future__ import annotations

import re

from gitlab_ci_provider.config.keywords.fields import Field

WEEK = 604_800
_UNITS = {
    1: "s sec secs second seconds",
    60: "m min mins minute minutes",
    3600: "h hr hrs hour hours",
    86_400: "d day days",
    WEEK: "w wk wks week weeks",
    2_592_000: "mo mos month months",
    31_557_600: "y yr yrs year years",
}
_SECONDS = {word: seconds for seconds, words in _UNITS.items() for word in words.split()}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*(?:and\b|,)?")
_CLOCK = re.compile(r"^(?:(\d+):)?(\d+):(\d+)$")


def parse_duration(words: str) -> int | None:
    """Read a duration in seconds; None when it is none."""
    lowered = words.strip().lower()
    clock = _CLOCK.match(lowered)
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return hours * 3600 + minutes * 60 + seconds
    total = 0.0
    position = 0
    while position < len(lowered):
        part = _PART.match(lowered, position)
        if part is None or (part.group(2) and part.group(2) not in _SECONDS):
            return None
        total += float(part.group(1)) * _SECONDS.get(part.group(2), 1)
        position = part.end()
    return int(total) if position else None


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
    return 0 if field.value == "never" else duration(field)
