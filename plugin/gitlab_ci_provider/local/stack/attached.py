"""Commands that use the stack, so that it does not end as idle under them.

A command shares a lock for as long as it lives; the kernel gives the lock back, however it ends.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from gitlab_ci_provider.local.home import Home


@contextmanager
def attached(home: Home) -> Iterator[None]:
    """Keep the stack from ending as idle for as long as the block lasts."""
    with home.attached.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def somebody_is_attached(home: Home) -> bool:
    """Tell whether a command uses the stack."""
    with home.attached.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
