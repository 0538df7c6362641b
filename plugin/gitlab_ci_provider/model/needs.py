"""`needs:` entries: jobs of this pipeline, and artifacts of others."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossNeed:
    """Artifacts of a job in another pipeline or project; no edge of this pipeline.

    Attributes:
        pipeline: an id, usually a variable; None for the latest successful one of `ref`.
        job: None means that only the status of the other pipeline is mirrored.
    """

    job: str | None = None
    project: str | None = None
    ref: str | None = None
    pipeline: str | None = None
    artifacts: bool = True
