"""Attributes of plugins: Airflow loads plugins into every process, and few need what they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class WhenAsked:
    """An attribute that is made when Airflow reads it, in the processes that do.

    Args:
        make: is called each time.
    """

    def __init__(self, make: Callable[[], list[Any]]):
        self._make = make

    def __get__(self, instance: object, owner: type) -> list[Any]:
        """Make the value."""
        return self._make()
