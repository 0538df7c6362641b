"""Whose turn it is in a resource group; the rules of GitLab's own spec of `Ci::ResourceGroup`."""

from __future__ import annotations

from functools import reduce
from itertools import permutations

import pytest

from gitlab_ci_provider.schedule.resource_group import (
    Claim,
    Group,
    ProcessMode,
    enter,
    take,
    upcoming,
    without,
)


def claim(pipeline: int, task: str = "deploy", *, ready: bool = True, since: int = 0) -> Claim:
    return Claim(
        pipeline=pipeline,
        dag_id="dag",
        run_id=f"run{pipeline}",
        task_id=task,
        since=f"2026-01-01T00:00:{since:02d}",
        ready=ready,
    )


def line(*claims: Claim) -> Group:
    return reduce(enter, claims, Group())


ALL = (
    claim(1, "a", since=9),
    claim(1, "b", ready=False, since=1),
    claim(2, "a", since=3),
    claim(2, "b", ready=False, since=2),
)


@pytest.mark.parametrize(
    ("mode", "pipeline"),
    [("oldest_first", 1), ("newest_first", 2), ("newest_ready_first", 2), ("unordered", 2)],
)
def test_the_mode_decides_whose_turn_it_is(mode: str, pipeline: int):
    """In whatever order the jobs came; unordered ones go by the time at which they came."""
    for order in permutations(ALL):
        turn = upcoming(line(*order), ProcessMode(mode))

        assert turn is not None
        assert (turn.pipeline, turn.task_id) == (pipeline, "a")


@pytest.mark.parametrize(
    ("mode", "turn"),
    [("oldest_first", None), ("newest_first", 2), ("newest_ready_first", 2), ("unordered", 2)],
)
def test_oldest_first_waits_for_an_older_job_that_is_not_ready(mode: str, turn: int | None):
    """The newer one has to wait although nobody uses the group."""
    found = upcoming(line(claim(1, ready=False), claim(2)), ProcessMode(mode))

    assert (found.pipeline if found else None) == turn


@pytest.mark.parametrize(
    ("mode", "turn"),
    [("oldest_first", 1), ("newest_first", None), ("newest_ready_first", 1), ("unordered", 1)],
)
def test_newest_first_waits_for_a_newer_job_that_is_not_ready(mode: str, turn: int | None):
    """`newest_ready_first` is the mode that does not."""
    found = upcoming(line(claim(1), claim(2, ready=False)), ProcessMode(mode))

    assert (found.pipeline if found else None) == turn


def test_one_job_has_the_group_at_a_time():
    """The next gets it when the first has left."""
    first, second = claim(1), claim(2, since=1)

    held = take(take(Group(), first, ProcessMode.UNORDERED), second, ProcessMode.UNORDERED)
    assert held == Group(holder=first, claims=(second,))

    assert take(without(held, {first.key}), second, ProcessMode.UNORDERED) == Group(holder=second)


def test_taking_twice_is_taking_once():
    """A worker that was lost while it had the group still has it."""
    held = take(Group(), claim(1), ProcessMode.UNORDERED)

    assert take(held, claim(1, since=5), ProcessMode.UNORDERED) == held


def test_a_job_that_waits_keeps_its_place():
    """Coming again does not put it at the end; becoming ready counts from then on."""
    group = line(claim(1, since=1), claim(2, since=2), claim(1, since=3))
    assert [one.since[-1] for one in group.claims] == ["2", "1"]

    group = line(claim(1, ready=False, since=1), claim(1, since=3))
    assert group.claims == (claim(1, since=3),)


def test_the_dead_are_taken_out():
    """Both who holds the group and who waits for it."""
    group = Group(holder=claim(1), claims=(claim(2), claim(3)))

    assert without(group, {claim(1).key, claim(2).key}) == Group(claims=(claim(3),))
