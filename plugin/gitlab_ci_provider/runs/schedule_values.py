"""Variables and inputs of GitLab's pipeline schedules: read when they are needed, never stored."""

from __future__ import annotations

from dataclasses import replace

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.gitlab_api.schedules import ScheduleValues, read_schedule_values
from gitlab_ci_provider.gitlab_api.server import PATIENCE
from gitlab_ci_provider.hooks.gitlab_project import gitlab_project
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.settings import Settings


def schedule_values(
    project: Project, settings: Settings, number: int, patience: float = PATIENCE
) -> ScheduleValues:
    """Read what a schedule gives to its pipelines.

    Args:
        project: whose schedule it is.
        settings: of the installation.
        number: GitLab's.
        patience: for how many seconds a GitLab that does not answer is asked again.

    Raises:
        ConfigError: the project's GitLab has no connection any more.
        GitlabApiError: GitLab refuses, does not know the schedule any more, or does not answer.
    """
    found = gitlab_project(project, settings.git_conn_ids, patience)
    if found is None:
        raise ConfigError(f"no connection to the GitLab of {project.clone_url} any more")
    return read_schedule_values(found.server, found.id or found.path, number)


def with_schedule_variables(
    record: PipelineRun, settings: Settings, patience: float = PATIENCE
) -> PipelineRun:
    """Add the variables of the schedule that has started a run; raises as `schedule_values`."""
    if not record.schedule_id:
        return record
    values = schedule_values(record.project, settings, record.schedule_id, patience)
    return replace(record, variables=record.variables | values.variables)
