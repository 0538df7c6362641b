"""One pipeline as the register knows it: what other pipelines may ask about it."""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.model.context import PipelineSource
from gitlab_ci_provider.model.project import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineEntry:
    """One pipeline.

    Attributes:
        id, iid: CI_PIPELINE_ID and CI_PIPELINE_IID; 0 until the register has numbered it.
        project: path of the project.
        dag_id, run_id: of the Airflow run.
        digest: of the compiled pipeline.
        created_at: ISO 8601, UTC.
        name: `workflow:name`, expanded.
        merge_request: iid of the merge request; 0 without.
        parent: id of the pipeline that triggered it; 0 without.
        status: `running`, or GitLab's word for its end.
    """

    project: str
    dag_id: str
    run_id: str
    ref: Ref
    source: PipelineSource
    digest: str
    created_at: str
    id: int = 0
    iid: int = 0
    name: str | None = None
    merge_request: int = 0
    parent: int = 0
    status: str = "running"
