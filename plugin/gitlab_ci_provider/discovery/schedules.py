"""The pipeline schedules that a project's DAG gets, when the project is synced."""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.exceptions import GitlabApiError
from gitlab_ci_provider.gitlab_api.schedules import read_schedules
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.model.diagnostic import SourceLocation as At
from gitlab_ci_provider.model.pipeline_schedule import PipelineSchedule
from gitlab_ci_provider.model.project import Project

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
    at = At(file=project.path, line=0)
    try:
        found = read_schedules(server, project.id or project.path)
    except GitlabApiError as problem:
        kept = known.schedules if known else ()
        return Schedules(kept, (warning(_CODE, str(problem), at),))
    problems = (warning(_CODE, f"{words}: it starts no pipelines", at) for words in found.problems)
    return Schedules(found.schedules, tuple(problems))
