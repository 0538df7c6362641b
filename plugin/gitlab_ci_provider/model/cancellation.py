"""A cancel of jobs that their own worker does not know of: by a newer pipeline, or a failed job."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """An order to end some jobs of one pipeline.

    Attributes:
        name: tells it from other orders for the same pipeline.
        reason: for a person, to be read after "canceled".
        jobs: those that had not ended when it was given. Whoever clears another job later does not
            meet it.
    """

    name: str
    reason: str
    jobs: tuple[str, ...]
