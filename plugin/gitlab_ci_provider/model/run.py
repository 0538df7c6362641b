"""One pipeline as it was created: the record that every task of its DAG run reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.bridge import Upstream
from gitlab_ci_provider.model.context import MergeRequest, PipelineContext, PipelineSource
from gitlab_ci_provider.model.environment import JobEnvironment
from gitlab_ci_provider.model.evidence import PodEvidence
from gitlab_ci_provider.model.job_artifacts import ArtifactReport, JobArtifact
from gitlab_ci_provider.model.project import CONFIG_PATH, Commit, Project, Ref
from gitlab_ci_provider.model.release import Release
from gitlab_ci_provider.model.report import Reported
from gitlab_ci_provider.model.rules import AutoCancel, JobDecision
from gitlab_ci_provider.model.variables import Variables


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRun:
    """What `create_pipeline` decided; pinned for the whole run.

    Attributes:
        id, iid: CI_PIPELINE_ID and CI_PIPELINE_IID; 0 when no pipeline was created.
        digest: of the compiled pipeline at the ref's commit.
        created_at: ISO 8601, UTC.
        decisions: one for each job of the compiled pipeline.
        variables: of the run form or trigger.
        schedule_id: GitLab's number of the schedule whose variables are read again by each job, and
            are not in `variables`; 0 when there are none.
        resource_groups: names of them, by job.
        workflow_variables: of the `workflow:rules` entry that matched.
        created: False when `workflow:rules` or an empty job list prevent a pipeline, see `reason`.
        file_keys: digests for `cache:key:files` and `files_commits`, by `CacheKey.source`.
        variable_places: names of the Airflow Variables, and of the levels of a GitLab, that held
            CI/CD variables.
        user: who started it, as Airflow knows; empty for schedules.
        inputs: values for the configuration's `spec:inputs`, as they were given.
        merge_request: what the pipeline is for, if it is for one.
        schedule: description of the schedule that started it.
        earlier: it is for a commit that was asked for and is not the newest of its ref.
        dag_id, run_id: of the Airflow run.
        played: manual and delayed jobs that start at once, as the run's form asked.
        auto_cancel: what newer pipelines and failed jobs cancel here, settled.
        report: what GitLab is told of it; None for nothing.
    """

    id: int = 0
    iid: int = 0
    project: Project
    ref: Ref
    commit: Commit = Commit()
    source: PipelineSource
    config_path: str = CONFIG_PATH
    digest: str
    created_at: str
    name: str | None = None
    decisions: Mapping[str, JobDecision]
    variables: Variables = Variables()
    workflow_variables: Variables = Variables()
    created: bool = True
    reason: str = ""
    file_keys: Mapping[str, str] = field(default_factory=dict)
    variable_places: tuple[str, ...] = ()
    user: str = ""
    inputs: Mapping[str, object] = field(default_factory=dict)
    merge_request: MergeRequest | None = None
    schedule: str = ""
    schedule_id: int = 0
    resource_groups: Mapping[str, str] = field(default_factory=dict)
    earlier: bool = False
    dag_id: str = ""
    run_id: str = ""
    upstream: Upstream | None = None
    played: tuple[str, ...] = ()
    auto_cancel: AutoCancel | None = None
    report: Reported | None = None

    @property
    def context(self) -> PipelineContext:
        """What the pipeline was created for, without the CI/CD variables of its project."""
        merge_request = self.merge_request
        return PipelineContext(
            project=self.project,
            ref=self.ref,
            source=self.source,
            variables=self.variables,
            commit=self.commit,
            upstream=self.upstream,
            user=self.user,
            inputs=self.inputs,
            merge_request=merge_request,
            target_branch=merge_request.target_branch if merge_request else None,
            schedule=self.schedule,
            config_path=self.config_path,
        )

    @property
    def pipeline_ref(self) -> Ref:
        """What the pipeline stands for among others: its ref or merge request, or its commit only.

        A pipeline for an earlier commit is not a newer state of its ref: it must not cancel others
        or be canceled, nor be the ref's latest.
        """
        if self.merge_request is not None:
            return replace(self.ref, name=self.merge_request.ref_path)
        return replace(self.ref, name=self.ref.sha) if self.earlier else self.ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What a person gave when playing a job; kept by Airflow, as the conf of a run is.

    Attributes:
        user_id, user_name: of the person; empty when Airflow does not tell who cleared the task.
        inputs: by name, only those that were given.
        variables: they win over all others, as pipeline variables do.
    """

    user_id: str = ""
    user_name: str = ""
    inputs: Mapping[str, object] = field(default_factory=dict)
    variables: Variables = Variables()


class JobStatus(StrEnum):
    """GitLab's words for the status of a job; those of unfinished jobs come first.

    `absent` is not GitLab's: there, a job that the rules leave out does not exist.
    """

    CREATED = "created"
    PENDING = "pending"
    RUNNING = "running"
    SCHEDULED = "scheduled"
    """Delayed, and not due yet."""
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    MANUAL = "manual"
    CANCELED = "canceled"
    ABSENT = "absent"


ABSENT_NOTE = "not in this pipeline: "
"""Begins the note of the task of a job that is absent; the reason follows."""

BY_HAND = "by hand"
"""Reason of a job that was canceled by ending its task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """How a job ended; kept as the task's XCom `job_result` for people and for later jobs.

    Attributes:
        allowed_failure: it failed, and the pipeline may pass anyway.
        failure_reason: as in `retry:when`; None unless it failed.
        reason: for a person, why it ended as it did.
        coverage: percent, found in the log by the job's `coverage:`.
        downstream: address of the pipeline that a `trigger:` job created, in the Airflow UI.
        environment: where it deployed to, or what else it did to its environment.
        release: what its `release:` asks for; it is not created.
        pod: its name.
        pod_end: what Kubernetes knew of the pod, when the failure needs more than `reason` to be
            explained.
    """

    status: JobStatus
    allowed_failure: bool = False
    exit_code: int | None = None
    failure_reason: FailureReason | None = None
    reason: str = ""
    artifacts: tuple[JobArtifact, ...] = ()
    reports: tuple[ArtifactReport, ...] = ()
    coverage: float | None = None
    environment: JobEnvironment | None = None
    release: Release | None = None
    pod: str = ""
    pod_end: PodEvidence | None = None
    downstream: str = ""
