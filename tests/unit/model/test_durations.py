"""Durations in words."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model.durations import parse_duration


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("30", 30), ("1 week", 604800), ("3h 30m", 12600), ("1 hour and 5 minutes", 3900),
        ("1m3s", 63), ("2 days, 1 hour", 176400), ("1.5 hours", 5400), ("90 MINS", 5400),
        ("1:30:00", 5400), ("7 elephants", None), ("soon", None), ("", None), ("5 5 x", None),
    ],
)  # fmt: skip
def test_duration(words: str, seconds: int | None):
    """Numbers with units add up; a number alone counts seconds."""
    assert parse_duration(words) == seconds
