"""Whose turn it is to look for the projects of a bundle: of all processes, one looks at a time.

It is kept for a minute and renewed while the process looks, for hours if need be; of one that was
killed, it is over after that minute. One that hangs loses it.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.records.discovered import Discovered, Turn

HANGS = 4 * 3600.0
"""Seconds after which a look is given up; what it has found by then is noted."""

_SECONDS, _RENEWED_AFTER = 60.0, 15.0
_RENEWALS = round(HANGS / _RENEWED_AFTER)

_log = logging.getLogger(__name__)


@contextmanager
def turn(
    discovered: Discovered, bundle: str, *, pause: float, now: Callable[[], float]
) -> Iterator[bool]:
    """Become the one process that looks; gives False when another does, or just has.

    Who could not look, because of an exception, need not be waited for.

    Args:
        discovered: where turns are.
        bundle: whose projects are looked for.
        pause: seconds since the last look.
        now: gives the time, in seconds since 1970.
    """
    owner, over, ended_at = secrets.token_hex(8), threading.Event(), None

    def take(pause: float) -> bool:
        at = now()
        return discovered.take_turn(bundle, Turn(owner=owner, until=at + _SECONDS), at, pause)

    def keep() -> None:
        for _ in range(_RENEWALS):
            if over.wait(_RENEWED_AFTER):
                return
            try:
                take(0)
            except StateError as problem:  # at worst, another process looks as well
                _log.debug("the turn is not kept: %s", problem)

    if not take(pause):
        yield False
        return
    keeping = threading.Thread(target=keep, daemon=True)
    keeping.start()
    try:
        yield True
        ended_at = now()
    finally:
        over.set()
        keeping.join()
        discovered.end_turn(bundle, owner, ended_at)
