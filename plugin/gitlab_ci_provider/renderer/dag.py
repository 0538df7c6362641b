"""One project's pipeline as an Airflow DAG: a task group a stage, a task a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, TaskGroup

from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.names import (
    CREATE_PIPELINE,
    FINISH_PIPELINE,
    group_ids,
    stage_end_ids,
    task_ids,
)
from gitlab_ci_provider.model.pipeline import Included, Pipeline, TaskSlot
from gitlab_ci_provider.model.quoted import quoted
from gitlab_ci_provider.model.topology import shown, topology_tag
from gitlab_ci_provider.operators.bridge import GitlabBridgeOperator
from gitlab_ci_provider.operators.create_pipeline import CreatePipelineOperator
from gitlab_ci_provider.operators.finish_pipeline import FinishPipelineOperator
from gitlab_ci_provider.operators.job import GitlabJobOperator
from gitlab_ci_provider.operators.stage_end import StageEndOperator
from gitlab_ci_provider.renderer.edges import connect, connect_jobs, ended_stages
from gitlab_ci_provider.renderer.params import run_params
from gitlab_ci_provider.settings import Settings

_SHOWN = 20
"""Jobs of a stage that the documentation names: Airflow stores it with each version of a DAG."""

GitlabTask = GitlabJobOperator | GitlabBridgeOperator

_LOST_WORKERS = 8
"""Tries beyond `retry`, for tasks whose worker was lost: they find their pod again."""

_AGAIN: Mapping[str, Any] = {"retries": _LOST_WORKERS, "retry_delay": timedelta(seconds=1)}
"""For tasks that are retried only after a lost worker."""


def render_dag(
    record: DagRecord, pipeline: Pipeline, settings: Settings, *, running: str | None = None
) -> DAG:
    """Render a pipeline. Pipelines that look the same give the same DAG, whatever their scripts.

    So Airflow makes a new version of the DAG only when there is something else to see.

    Args:
        record: of the DAG.
        pipeline: its jobs.
        settings: of the installation.
        running: the task that this process is to run. If it is a job's, the DAG has no other job.
    """
    dag = DAG(
        dag_id=record.dag_id,
        dag_display_name=record.title or record.project.path,
        description=f"GitLab CI pipeline of {record.project.path}",
        doc_md=_documentation(record, pipeline),
        schedule=None if running else _timetable(record),
        catchup=False,
        tags=["gitlab-ci", *_part_tags(record, pipeline)],
        # These were made for runs that are waiting for them.
        is_paused_upon_creation=None if record.kind is DagKind.PROJECT else False,
        render_template_as_native_obj=False,
    )
    names = task_ids(pipeline.jobs)
    create = CreatePipelineOperator(
        task_id=CREATE_PIPELINE, digest=record.digest, dag=dag, **_AGAIN
    )
    finish = FinishPipelineOperator(task_id=FINISH_PIPELINE, dag=dag, **_AGAIN)
    groups = _groups(dag, pipeline, names)
    tasks = _tasks(groups, pipeline, settings, names, running)
    ends = {} if running in names.values() else _ends(groups, pipeline, names)
    connect_jobs(create, tasks, ends, pipeline)
    # All of them: rules may leave the last ones out, which `create_pipeline` skips before it
    # has ended itself.
    connect([create, *tasks.values()], finish)
    # Only now: Airflow copies a DAG's params into each task that is made later, three times.
    dag.params = run_params(pipeline, record.ref.name)  # type: ignore[assignment]  # converted
    return dag


def _timetable(record: DagRecord) -> Any:
    """Make what names the runs, and starts those of the project's pipeline schedules.

    Only pipelines start child pipelines, and name them.
    """
    if record.kind is DagKind.CHILD:
        return None
    project = record.project.path
    if not _is_scheduled(record):
        from gitlab_ci_provider.renderer.numbered import UnscheduledTimetable

        return UnscheduledTimetable(project)
    from gitlab_ci_provider.renderer.timetable import PipelineSchedulesTimetable

    return PipelineSchedulesTimetable(record.schedules, project)


def _is_scheduled(record: DagRecord) -> bool:
    return record.kind is DagKind.PROJECT and bool(record.schedules)


def _groups(dag: DAG, pipeline: Pipeline, names: Mapping[str, str]) -> dict[str, TaskGroup]:
    """Make a group for each stage that has jobs, in the order of the stages."""
    stages = [stage for stage in pipeline.stages if _has_jobs(pipeline, stage)]
    ids = group_ids(stages, names)
    return {
        stage: TaskGroup(ids[stage], group_display_name=stage, prefix_group_id=False, dag=dag)
        for stage in stages
    }


def _ends(
    groups: Mapping[str, TaskGroup], pipeline: Pipeline, names: Mapping[str, str]
) -> dict[str, BaseOperator]:
    taken = {stage: str(group.group_id) for stage, group in groups.items()}
    return {
        stage: StageEndOperator(
            task_id=task_id,
            task_display_name=f"end of {stage}",
            dag=groups[stage].dag,
            task_group=groups[stage],
        )
        for stage, task_id in stage_end_ids(ended_stages(pipeline), names, taken).items()
    }


def _tasks(
    groups: Mapping[str, TaskGroup],
    pipeline: Pipeline,
    settings: Settings,
    names: Mapping[str, str],
    running: str | None,
) -> dict[str, GitlabTask]:
    chosen = {job for job, name in names.items() if name == running} or {*names}
    tasks: dict[str, GitlabTask] = {}
    for stage, group in groups.items():
        for job in pipeline.jobs.values():
            if job.stage == stage and job.name in chosen:
                slot = _slot(pipeline.slots.get(job.name))
                place = {"dag": group.dag, "task_group": group, **slot}
                tasks[job.name] = _task(job, names[job.name], settings, place)
    return tasks


def _has_jobs(pipeline: Pipeline, stage: str) -> bool:
    return any(job.stage == stage for job in pipeline.jobs.values())


def _task(job: Job, task_id: str, settings: Settings, place: dict[str, Any]) -> GitlabTask:
    if job.bridge is not None:
        return GitlabBridgeOperator(
            task_id=task_id,
            task_display_name=job.name,
            job=job.name,
            **_AGAIN,
            **place,
        )
    return GitlabJobOperator(
        task_id=task_id,
        task_display_name=job.name,
        job=job.name,
        deploys=job.environment is not None,
        kubernetes_conn_id=settings.kubernetes_conn_id,
        namespace=settings.namespace or None,
        retries=job.retry.max + settings.interrupted_retries + _LOST_WORKERS,
        retry_delay=timedelta(seconds=1),
        execution_timeout=timedelta(seconds=job.timeout or settings.default_timeout),
        **place,
    )


def _slot(slot: TaskSlot | None) -> dict[str, Any]:
    """Give a task the pool, queue and priority of its job's runner."""
    if slot is None:
        return {}
    given = {"pool": slot.pool, "queue": slot.queue, "priority_weight": slot.priority}
    return {name: value for name, value in given.items() if value}


def _part_tags(record: DagRecord, pipeline: Pipeline) -> list[str]:
    """Tag the topology, so that runs that wait for a DAG see when the right version is there.

    The execution API, the only one that a task can use, shows tags but no versions.
    """
    kind = [] if record.kind is DagKind.PROJECT else [str(record.kind)]
    return [*kind, topology_tag(pipeline)]


def _documentation(record: DagRecord, pipeline: Pipeline) -> str:
    project = record.project
    place = f"<{project.web_url}>" if project.web_url else f"`{project.clone_url}`"
    return (
        f"GitLab CI pipeline of **{project.path}**, compiled from {_code(record.config_path)}.\n\n"
        f"Repository: {place}\n\n{_stages(pipeline)}\n\n"
        f"It runs {_occasions(record)}. Form, API and `gitlab-dags trigger {project.path}` take a "
        "branch, tag or commit.\n\n"
        f"Version: `{shown(pipeline)}`. Commits that change nothing but scripts keep it.\n"
    ) + _included(pipeline.lock)


def _occasions(record: DagRecord) -> str:
    if not _is_scheduled(record):
        return "when somebody triggers it: it has no schedule"
    return "by the project's pipeline schedules, and when somebody triggers it"


def _stages(pipeline: Pipeline) -> str:
    """List the jobs by stage, in the order of the stages."""
    rows = ["| Stage | Jobs |", "|---|---|"]
    for stage in pipeline.stages:
        jobs = [name for name, job in pipeline.jobs.items() if job.stage == stage]
        if jobs:
            shown = [_cell(name) for name in jobs[:_SHOWN]]
            more = [f"and {len(jobs) - _SHOWN} more"] if len(jobs) > _SHOWN else []
            rows.append(f"| {_cell(stage)} | {', '.join([*shown, *more])} |")
    return "\n".join(rows)


def _cell(text: str) -> str:
    """Show a name in a table, whose columns it cannot end."""
    return _code(text).replace("|", "\\|")


def _included(lock: Sequence[Included]) -> str:
    """List the files from outside the repository, each at the commit that was read."""
    if not lock:
        return ""
    rows = (f"- {_code(one.file)} at {_code(one.sha)}{_asked(one)}" for one in lock)
    return "\n\n".join(("", "Included from elsewhere:", "\n".join(rows))) + "\n"


def _asked(one: Included) -> str:
    version = f", version {_code(one.version)}" if one.version else ""
    return f" (asked for {_code(one.asked)}{version})" if one.asked else ""


def _code(text: str) -> str:
    """Show what others have written, as code that it cannot end."""
    shown = quoted(text).replace("`", "'")
    return f"`{shown}`"
