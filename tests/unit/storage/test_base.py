"""What all users of an object store share."""

from __future__ import annotations

import time

import pytest

from gitlab_ci_provider.storage.base import sleep_about


def test_pauses_differ_by_chance(monkeypatch: pytest.MonkeyPatch):
    """A hundred jobs that a busy store has refused do not come back together."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)

    for _ in range(100):
        sleep_about(10)

    assert 5 <= min(slept) <= max(slept) <= 10
    assert max(slept) - min(slept) > 2
