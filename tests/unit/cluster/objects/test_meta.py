"""Times of objects."""

from __future__ import annotations

import datetime as dt

import pytest

from gitlab_ci_cluster.objects.meta import parse_time


def test_times_need_a_zone():
    """RFC 3339 only."""
    assert parse_time("2026-01-01T00:00:00.5Z") == dt.datetime(2026, 1, 1, 0, 0, 0, 500000, dt.UTC)
    with pytest.raises(ValueError, match="no time zone"):
        parse_time("2026-01-01T00:00:00")
