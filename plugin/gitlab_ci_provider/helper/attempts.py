"""Trying again, with longer and longer pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gitlab_ci_provider.exceptions import GitlabCiError

Result = TypeVar("Result")

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


def attempt(
    action: Callable[[], Result],
    attempts: int,
    *,
    sleep: Callable[[float], None],
    say: Callable[[str], None],
    on: type[GitlabCiError] = GitlabCiError,
) -> Result:
    """Call an action until it succeeds.

    Args:
        action: raises a GitlabCiError when it fails.
        attempts: how often at most; less than 1 counts as 1.
        sleep: waits a number of seconds.
        say: told about each failure but the last.
        on: errors that another attempt may mend; any other one is raised at once.
    """
    for number in range(1, attempts):
        try:
            return action()
        except on as error:
            pause = min(_FIRST_PAUSE * 2 ** (number - 1), _LONGEST_PAUSE)
            say(f"{error}; attempt {number + 1} of {attempts} in {pause:g} s")
            sleep(pause)
    return action()
