"""A cancellation that comes from outside a job's worker: a newer pipeline, or a failed job."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """An order to end some jobs of one pipeline.

    Attributes:
        name: distinguishes it from other orders for the same pipeline.
        reason: for a person, to be read after "canceled".
        jobs: those that had not ended when it was given. It has no effect on other jobs that are
            cleared later.
    """

    name: str
    reason: str
    jobs: tuple[str, ...]
