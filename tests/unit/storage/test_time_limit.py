"""A time limit for a whole transfer."""

from __future__ import annotations

import io

import pytest

from gitlab_ci_provider.storage.time_limit import TimeLimit, TimeLimitError
from gitlab_ci_provider.storage.transfer import SentFile, Transfer


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def test_data_flows_until_the_time_is_over():
    """However steadily it moves."""
    clock = Clock()
    moved: list[tuple[int, int]] = []
    transfer = Transfer(TimeLimit(60, clock), lambda *counted: moved.append(counted), total=3)
    file = SentFile(io.BytesIO(b"abc"), transfer)

    clock.now = 59
    assert file.read(1) == b"a"
    clock.now = 60
    with pytest.raises(TimeLimitError, match="longer than 60 s"):
        file.read(1)
    assert moved == [(1, 3)]


def test_a_step_has_no_more_than_is_left():
    """And never nothing, which would mean no limit."""
    clock = Clock()
    limit = TimeLimit(60, clock)

    clock.now = 50
    assert limit.left(300) == 10
    assert limit.left(5) == 5
    clock.now = 99
    assert limit.left(300) == 0.001


def test_no_limit_never_ends():
    """Slow is not broken."""
    clock = Clock()
    limit = TimeLimit(0, clock)

    clock.now = 1e9
    limit.check()
    assert limit.left(300) == 300
