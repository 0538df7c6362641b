"""Where a function that works for a task or a command reports what it does.

A protocol, because the log of an Airflow task is not a `logging.Logger`.
"""

from __future__ import annotations

from typing import Any, Protocol


class Log(Protocol):
    """Takes messages with their arguments, in the format of `logging`."""

    def info(self, message: Any, /, *arguments: Any) -> Any:
        """Report progress."""

    def warning(self, message: Any, /, *arguments: Any) -> Any:
        """Report a problem that does not end the work."""
