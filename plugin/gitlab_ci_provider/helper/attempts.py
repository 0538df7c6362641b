"""Retries, with longer and longer pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from gitlab_ci_provider.exceptions import GitlabCiError

Result = TypeVar("Result")


class Pauses(NamedTuple):
    """Seconds before the second attempt, and at most before a later one; each doubles the last."""

    first: float = 1.0
    longest: float = 60.0


TRANSFER = Pauses()
STAGE = Pauses(first=5.0, longest=300.0)
"""GitLab Runner's, between attempts of a whole stage."""


def attempt(
    action: Callable[[], Result],
    attempts: int,
    *,
    sleep: Callable[[float], None],
    say: Callable[[str], None],
    on: type[Exception] | tuple[type[Exception], ...] = GitlabCiError,
    pauses: Pauses = TRANSFER,
) -> Result:
    """Call an action until it succeeds.

    Args:
        action: raises an exception when it fails.
        attempts: how often at most; less than 1 counts as 1.
        sleep: waits a number of seconds.
        say: called for each failure but the last.
        on: errors that another attempt may fix; others are raised at once.
        pauses: between attempts.
    """
    for number in range(1, attempts):
        try:
            return action()
        except on as error:
            pause = min(pauses.first * 2 ** (number - 1), pauses.longest)
            say(f"{error}; attempt {number + 1} of {attempts} in {pause:g} s")
            sleep(pause)
    return action()
