"""What one DAG shows: a project's pipeline, that of another ref, or a child pipeline's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gitlab_ci_provider.model.diagnostic import Diagnostic, errors_in
from gitlab_ci_provider.model.pipeline_schedule import PipelineSchedule
from gitlab_ci_provider.model.project import CONFIG_PATH, Project, Ref


class DagKind(StrEnum):
    """Why a DAG exists."""

    PROJECT = "project"
    """The project's own, for its default branch and every ref with the same topology."""
    REF = "ref"
    """A branch, tag or commit whose topology differs from the project's."""
    CHILD = "child"
    """A child pipeline, compiled when its parent ran."""


def kind_of(dag_id: str) -> DagKind:
    """Return the kind of a DAG from its name, see `names.part_dag_id` and `names.child_dag_id`."""
    owner, dots, _ = dag_id.rpartition("..")
    if not dots:
        return DagKind.PROJECT
    return DagKind.CHILD if owner.endswith(".") else DagKind.REF


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRecord:
    """What is known of one DAG.

    Attributes:
        dag_id: see `names.dag_id` and `names.part_dag_id`.
        ref: the ref and commit that the snapshot was compiled at.
        digest: of the last good pipeline; empty when there never was one.
        diagnostics: of the last try, good or not.
        title: what people see instead of the `dag_id`.
        parent: `dag_id` of the DAG whose pipelines start this one as a child.
        bridge: the parent's `trigger:` job.
        schedules: GitLab's active pipeline schedules of the project.
    """

    dag_id: str
    kind: DagKind = DagKind.PROJECT
    project: Project
    ref: Ref
    digest: str = ""
    config_path: str = CONFIG_PATH
    diagnostics: tuple[Diagnostic, ...] = ()
    title: str = ""
    parent: str = ""
    bridge: str = ""
    schedules: tuple[PipelineSchedule, ...] = ()

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What prevented a pipeline at the last try."""
        return tuple(errors_in(self.diagnostics))
