"""What GitLab is told about a pipeline: statuses of its commit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gitlab_ci_provider.model.environment import JobEnvironment
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.release import Release


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
class JobOutcome:
    """What a job has done that GitLab shows apart from its status.

    Attributes:
        failed: the deployment has failed.
    """

    job: str
    environment: JobEnvironment | None = None
    release: Release | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """That GitLab is told about a run, for the tasks of the run.

    Attributes:
        pipeline: GitLab's number of the pipeline that the statuses belong to; 0 when it is unknown.
        prefix: of the names of statuses: child pipelines have the commit of their parents.
        merge_request: that is commented on; 0 for none.
    """

    level: ReportLevel
    pipeline: int = 0
    prefix: str = ""
    merge_request: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What GitLab has to know of a pipeline; stored until all of it was sent.

    Attributes:
        pipeline: CI_PIPELINE_ID.
        written_at: in seconds since 1970.
        names: of the statuses that can exist: of the pipeline, then of its jobs.
        created_at: of the pipeline, ISO 8601.
        statuses: what they are once the pipeline has ended.
        outcomes: of its jobs.
    """

    project: Project
    ref: Ref
    pipeline: int
    reported: Reported
    written_at: float
    names: tuple[str, ...]
    created_at: str
    statuses: tuple[CommitStatus, ...] = ()
    outcomes: tuple[JobOutcome, ...] = ()
