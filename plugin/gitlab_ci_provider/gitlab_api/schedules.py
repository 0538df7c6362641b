"""The pipeline schedules of a project, and the variables of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gitlab_ci_provider.gitlab_api.client import open_gitlab
from gitlab_ci_provider.gitlab_api.errors import in_words
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.gitlab_api.time_zones import time_zone
from gitlab_ci_provider.model.pipeline_schedule import PipelineSchedule
from gitlab_ci_provider.model.quoted import quoted
from gitlab_ci_provider.model.variables import Variable, Variables


@dataclass(frozen=True, slots=True)
class FoundSchedules:
    """The active schedules of a project, and in words which cannot be used here."""

    schedules: tuple[PipelineSchedule, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScheduleValues:
    """What a schedule gives to its pipelines."""

    variables: Variables = Variables()
    inputs: Mapping[str, object] = field(default_factory=dict)


def read_schedules(server: GitLabServer, project: str | int) -> FoundSchedules:
    """List the active schedules of a project, by its path or number; one request for each hundred.

    Raises:
        GitlabApiError: GitLab refuses or does not answer.
    """
    client = open_gitlab(server)
    with in_words(server, f"list the pipeline schedules of {project}"):
        listed = client.projects.get(project, lazy=True).pipelineschedules
        found = [one.attributes for one in listed.list(iterator=True, scope="active")]
        schedules, problems = [], []
        for schedule in found:
            problem = _problem(schedule)
            if problem:
                name = quoted(str(schedule.get("description")))
                problems.append(f"the pipeline schedule '{name}' {problem}")
            elif schedule.get("active"):
                schedules.append(_schedule(schedule))
    return FoundSchedules(tuple(sorted(schedules, key=lambda one: one.id)), tuple(problems))


def read_schedule_values(server: GitLabServer, project: str | int, number: int) -> ScheduleValues:
    """Read variables and inputs of a schedule, when its pipeline is created.

    Raises:
        GitlabApiError: GitLab refuses or does not answer.
    """
    client = open_gitlab(server)
    with in_words(server, f"read the variables of the pipeline schedule {number} of {project}"):
        found = client.projects.get(project, lazy=True).pipelineschedules.get(number).attributes
        given = found.get("variables") or ()
        inputs = found.get("inputs") or ()
        return ScheduleValues(
            Variables(map(_variable, given)),
            {str(one["name"]): one.get("value") for one in inputs},
        )


def _problem(found: Mapping[str, Any]) -> str:
    """Say why a schedule cannot be used; Airflow's cron expressions are not quite GitLab's."""
    from croniter import croniter

    cron, zone = str(found.get("cron")), str(found.get("cron_timezone") or "UTC")
    if len(cron.split()) != 5 or not croniter.is_valid(cron):
        return f"has the cron expression '{quoted(cron)}', which Airflow does not understand"
    return "" if time_zone(zone) else f"has the unknown time zone '{quoted(zone)}'"


def _schedule(found: Mapping[str, Any]) -> PipelineSchedule:
    return PipelineSchedule(
        id=int(found["id"]),
        ref=str(found.get("ref") or ""),
        cron=str(found.get("cron") or ""),
        cron_timezone=time_zone(str(found.get("cron_timezone") or "UTC")) or "UTC",
        description=str(found.get("description") or ""),
        # Not `updated_at`: GitLab changes that whenever it starts a pipeline itself.
        since=str(found.get("created_at") or ""),
    )


def _variable(found: Mapping[str, Any]) -> Variable:
    return Variable(
        name=str(found["key"]),
        value=str(found.get("value") or ""),
        file=found.get("variable_type") == "file",
        expand=not found.get("raw"),
    )
