"""`needs:` entries: jobs of this pipeline, and artifacts of others."""

from __future__ import annotations

from dataclasses import dataclass

MatrixItem = tuple[tuple[str, tuple[str, ...]], ...]
"""One item of `parallel:matrix`: variables with their values, in the order of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One needed job.

    Attributes:
        artifacts: download its artifacts.
        optional: the need is dropped when the job is not in the pipeline.
        matrix: which instances of a matrix job; empty in a compiled pipeline, where `job` names
            the instance.
    """

    job: str
    artifacts: bool = True
    optional: bool = False
    matrix: tuple[MatrixItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossNeed:
    """Artifacts of a job in another pipeline or project; no edge of this pipeline.

    Attributes:
        pipeline: an id, usually a variable; None for the latest successful one of `ref`.
        job: None means that only the status of the other pipeline is mirrored.
        optional: the need is dropped when the job is not in the other pipeline.
    """

    job: str | None = None
    project: str | None = None
    ref: str | None = None
    pipeline: str | None = None
    artifacts: bool = True
    optional: bool = False
