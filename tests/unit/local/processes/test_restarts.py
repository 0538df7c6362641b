"""Parts that die are started again, but not forever."""

from __future__ import annotations

from gitlab_ci_provider.local.processes.process import Restarts


def test_a_part_that_dies_now_and_then_is_started_again():
    """However old the stack is, a part may die once an hour."""
    times = [3600.0 * number for number in range(50)]
    restarts = Restarts(clock=lambda: times.pop(0))

    assert all(restarts.allow("scheduler") for _ in range(50))


def test_a_part_that_does_not_stay_alive_is_given_up():
    """Five times in a row are enough; other parts are counted for themselves."""
    restarts = Restarts(clock=lambda: 0.0)

    assert [restarts.allow("scheduler") for _ in range(6)] == [True] * 5 + [False]
    assert restarts.allow("triggerer")
