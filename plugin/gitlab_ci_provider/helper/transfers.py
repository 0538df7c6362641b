"""Objects on their way from and to the store, again while it does not answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gitlab_ci_provider.helper.attempts import attempt
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.meter import metered
from gitlab_ci_provider.storage.base import StorageUnavailableError

Result = TypeVar("Result")
Say = Callable[[str], None]


def again(context: PhaseContext, say: Say, action: Callable[[], Result]) -> Result:
    """Call an action again while the store fails."""
    return attempt(
        action,
        context.plan.attempts,
        sleep=context.sleep,
        say=say,
        on=StorageUnavailableError,
    )


def fetch(context: PhaseContext, key: str, path: Path, label: str, say: Say) -> None:
    """Get an object.

    Args:
        context: of the job.
        key: of the object.
        path: of the file that it becomes.
        label: what is said of the transfer.
        say: is told how far it has come, and what fails.

    Raises:
        MissingObjectError: there is no such object.
        StorageError: the store failed, more than once.
    """

    def get() -> None:
        with metered(label, context.plan.meter_seconds, say) as progress:
            context.store().get(key, path, progress)

    again(context, say, get)


def put(context: PhaseContext, path: Path, key: str, label: str = "") -> None:
    """Put a file into the store.

    Args:
        context: of the job.
        path: of the file.
        key: of the object.
        label: what the log says of the transfer; empty for a small file.

    Raises:
        StorageError: the store failed, more than once.
    """

    def send() -> None:
        seconds = context.plan.meter_seconds if label else 0
        with metered(label, seconds, context.output.line) as progress:
            context.store().put(key, path, progress)

    again(context, context.output.warning, send)
