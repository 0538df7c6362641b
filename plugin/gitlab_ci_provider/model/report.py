"""What GitLab is told about a pipeline: statuses of its commit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gitlab_ci_provider.model.project import Project, Ref


class ReportLevel(StrEnum):
    """How much GitLab is told, in the connection's extra `report`."""

    NONE = "none"
    PIPELINES = "pipelines"
    JOBS = "jobs"


class CommitState(StrEnum):
    """GitLab's words for the state of a commit status."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """One status of a commit; holds no secret.

    Attributes:
        url: in the Airflow UI.
        coverage: percent.
    """

    name: str
    state: CommitState
    url: str = ""
    description: str = ""
    coverage: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """That GitLab is told about a run, for the tasks of the run.

    Attributes:
        pipeline: GitLab's number of the pipeline that the statuses belong to; 0 when it is unknown.
        prefix: of the names of statuses: child pipelines have the commit of their parents.
    """

    level: ReportLevel
    pipeline: int = 0
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What GitLab has to know of a pipeline; stored until all of it was sent.

    Attributes:
        pipeline: CI_PIPELINE_ID.
        written_at: in seconds since 1970.
        names: of the statuses that can exist: of the pipeline, then of its jobs.
        statuses: what they are once the pipeline has ended.
    """

    project: Project
    ref: Ref
    pipeline: int
    reported: Reported
    written_at: float
    names: tuple[str, ...]
    statuses: tuple[CommitStatus, ...] = ()
