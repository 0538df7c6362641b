"""The pipeline schedules that a project's DAG gets: when it is synced, and now and then."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitlab_ci_provider.exceptions import GitlabApiError
from gitlab_ci_provider.gitlab_api.schedules import read_schedules
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.model.diagnostic import SourceLocation as At
from gitlab_ci_provider.model.pipeline_schedule import PipelineSchedule
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.snapshots.store import SnapshotStore, StoredDag

_CODE = "schedule-not-taken"


@dataclass(frozen=True, slots=True)
class Schedules:
    """The schedules, and what is wrong with others."""

    schedules: tuple[PipelineSchedule, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def find_schedules(
    server: GitLabServer | None, project: Project, known: DagRecord | None
) -> Schedules:
    """Read the active schedules of a project; without a GitLab there are none.

    When GitLab refuses or does not answer, the project keeps those that it has.
    """
    if server is None:
        return Schedules()
    try:
        return _read(server, project)
    except GitlabApiError as problem:
        kept = known.schedules if known else ()
        return Schedules(kept, (warning(_CODE, str(problem), At(file=project.path, line=0)),))


def renew_schedules(server: GitLabServer, snapshots: SnapshotStore, dag: str) -> None:
    """Give a project's DAG the schedules that GitLab has now, though no commit has changed.

    Raises:
        GitlabApiError: GitLab refuses or does not answer; the DAG keeps those that it has.
    """
    record = snapshots.find_dag(dag)
    if record is None:
        return
    found = _read(server, record.project)

    def change(stored: StoredDag | None) -> StoredDag | None:
        if stored is None:
            return None
        others = (one for one in stored.record.diagnostics if one.code != _CODE)
        diagnostics = (*others, *found.diagnostics)
        renewed = replace(stored.record, schedules=found.schedules, diagnostics=diagnostics)
        return snapshots.with_record(stored, renewed)

    snapshots.change_dag(dag, change)


def _read(server: GitLabServer, project: Project) -> Schedules:
    found = read_schedules(server, project.id or project.path)
    at = At(file=project.path, line=0)
    problems = (warning(_CODE, f"{words}: it starts no pipelines", at) for words in found.problems)
    return Schedules(found.schedules, tuple(problems))
