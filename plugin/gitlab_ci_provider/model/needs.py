"""`needs:` entries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One needed job.

    Attributes:
        artifacts: download its artifacts.
        optional: the need is dropped when the job is not in the pipeline.
    """

    job: str
    artifacts: bool = True
    optional: bool = False
