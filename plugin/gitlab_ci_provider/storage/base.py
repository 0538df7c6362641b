"""How an object store can fail, and what its users say about that: again, and how far it came."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from gitlab_ci_provider.exceptions import StorageError

Result = TypeVar("Result")


class StorageUnavailableError(StorageError):
    """The store could not be reached, or failed: a retry may help."""


class MissingObjectError(StorageError):
    """There is no object with this key."""


Progress = Callable[[int, int], None]
"""Told of bytes that have been transferred, and of how many there are in all; 0 if not known."""


def unwatched(_moved: int, _total: int) -> None:
    """Take no notice."""


class Again(Protocol):
    """Calls an action, and again while that may help."""

    def __call__(self, action: Callable[[], Result], /) -> Result:
        """Return its result."""
        ...


def sleep_about(seconds: float) -> None:
    """Sleep for half of the seconds at least, then by chance: who failed together comes apart."""
    time.sleep(seconds * (0.5 + os.urandom(1)[0] / 510))


def once(action: Callable[[], Result]) -> Result:
    """Call an action once."""
    return action()
