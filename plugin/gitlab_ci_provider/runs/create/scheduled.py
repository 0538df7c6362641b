"""A run that GitLab's pipeline schedule has started: its ref, description, variables and inputs.

Variables are read from GitLab when the pipeline is created, and again by each job: they are neither
in the DAG nor in the conf or record of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.pipeline_schedule import PipelineSchedule, schedule_at
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.form import SCHEDULE, RunForm
from gitlab_ci_provider.runs.schedule_values import schedule_values

MOVED_FROM = "moved_from"
"""Key of the conf of a run that replaces another one: its DAG and run."""

_ID = "id"


def with_schedule(task: TaskContext, record: DagRecord, form: RunForm) -> RunForm:
    """Apply the schedule that has started the run, if one has.

    Raises:
        ConfigError: it was deleted, deactivated or changed since.
        GitlabApiError: GitLab refuses or does not answer.
    """
    conf = schedule_conf(task, record)
    if not conf:
        return form
    number = int(conf[_ID])
    values = schedule_values(record.project, task.settings, number)
    return replace(
        form,
        ref=form.ref if _was_moved(task) else str(conf["ref"]),
        source="schedule",
        schedule=str(conf["description"]),
        schedule_id=number if values.variables else 0,
        variables=values.variables,  # nobody fills in the form of such a run
        inputs={**form.inputs, **values.inputs},
    )


def schedule_conf(task: TaskContext, record: DagRecord) -> Mapping[str, Any]:
    """Describe the schedule for the conf of a run; empty for any other run.

    A run that was moved to another DAG has it in its conf. People cannot start such a run, and
    what they write there has no meaning.

    Raises:
        ConfigError: the schedule was deleted, deactivated or changed since.
    """
    dag_run: Any = task.context["dag_run"]
    if _was_moved(task):
        given = dag_run.conf[SCHEDULE]
        return given if isinstance(given.get(_ID), int) else {}
    if dag_run.run_type != "scheduled" or dag_run.logical_date is None:
        return {}
    found = schedule_at(record.schedules, dag_run.logical_date.microsecond)
    if found is None:
        raise ConfigError("GitLab's pipeline schedule of this run is no longer there or active")
    return _conf(found)


def _was_moved(task: TaskContext) -> bool:
    dag_run: Any = task.context["dag_run"]
    conf = dag_run.conf or {}
    moved = task.was_started_by_task and MOVED_FROM in conf
    return moved and isinstance(conf.get(SCHEDULE), Mapping)


def _conf(schedule: PipelineSchedule) -> Mapping[str, Any]:
    return {_ID: schedule.id, "ref": schedule.ref, "description": schedule.description}
