"""One try of a task of a hand-written DAG, as one try of a job that is alone in its pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from gitlab_ci_provider.airflow_internals.tasks import instance_name
from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.hooks.object_store import store_target
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.job import Retry
from gitlab_ci_provider.model.job_artifacts import ArtifactReport, JobArtifact
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.run import JobResult, PipelineRun
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.planner.task_request import TaskPlanRequest
from gitlab_ci_provider.runs.context import TaskContext, instance_key, is_mapped
from gitlab_ci_provider.runs.dotenv import inherited_variables
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.plan_request import planning_limits
from gitlab_ci_provider.runs.task.task_job import TaskJob, compiled_job, project_of
from gitlab_ci_provider.storage.keys import is_of_run


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun(JobRun):
    """One try of one task, before anything is planned."""

    task: TaskJob


def task_run(opened: TaskContext, task: TaskJob) -> TaskRun:
    """Make the job that a task is, in a pipeline of its own.

    Raises:
        ConfigError: something that the task says is wrong.
    """
    ti: Any = opened.context["ti"]
    name, project = instance_name(ti), project_of(opened.dag_id)
    # Airflow's `retries` count; it raises `max_tries` when the task is cleared.
    job = replace(compiled_job(task, project, name), retry=Retry(max=max(0, ti.max_tries)))
    decision = JobDecision(job=name, present=True)
    record = PipelineRun(
        project=project,
        ref=Ref(name="", sha=""),
        source="api",
        digest="",
        created_at=_created(opened),
        decisions={name: decision},
        dag_id=opened.dag_id,
        run_id=opened.run_id,
    )
    settings = opened.settings
    if is_mapped(ti):
        settings = replace(settings, waiting="worker")  # the triggerer tells instances not apart
    return TaskRun(
        context=opened.context,
        settings=settings,
        state=opened.state,
        record=record,
        pipeline=Pipeline(stages=(job.stage,), jobs={name: job}, edges={name: ()}),
        ended={},
        job=job,
        decision=decision,
        tasks=frozenset(),
        task=task,
    )


def task_request(run: TaskRun) -> TaskPlanRequest:
    """Gather what the plan of a task is made from.

    Raises:
        SystemFailure: a task has left no artifacts.
    """
    ti: Any = run.context["ti"]
    store = store_target(run.settings.object_store_conn_id)
    reports = {task: _reports(run, task) for task in run.task.from_task_ids}
    return TaskPlanRequest(
        run=run.record,
        pipeline=run.pipeline,
        job=run.job,
        decision=run.decision,
        limits=planning_limits(run.settings),
        attempt=ti.try_number,
        url=ti.log_url or "",
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        upstream={
            task: _left_by(run, task, needed=not reports[task]) for task in run.task.from_task_ids
        },
        dotenv=inherited_variables(reports, store),
        store=store,
        runner=run.task.runner,
        task_key=instance_key(ti),
        scope=run.task.scope or run.dag_id,
        given=run.task.variables,
        airflow=_said_by_airflow(run),
    )


def _created(opened: TaskContext) -> str:
    """Return when the run was made, which is what tells it from other runs."""
    dag_run: Any = opened.context["dag_run"]
    return f"{dag_run.run_after.isoformat()} {opened.run_id}"


def _left_by(run: TaskRun, task: str, *, needed: bool) -> tuple[JobArtifact, ...]:
    """Read which artifacts a task of this run has left; each instance of a mapped one has its own.

    Raises:
        SystemFailure: it has left none, and nothing else.
    """
    results = _pulled(run, task)
    left = tuple(_artifact(run, task, result) for result in results)
    if not left and needed:
        raise _missing(f"the task {task} has left no artifacts in this run")
    return left


def _reports(run: TaskRun, task: str) -> tuple[ArtifactReport, ...]:
    """Read which reports a task of this run has left."""
    results = (convert(found, JobResult) for found in _pulled(run, task, xcom_keys.JOB_RESULT))
    reports = (report for result in results for report in result.reports)
    return tuple(each for each in reports if is_of_run(each.object_key, run.dag_id, run.run_id))


def _pulled(run: TaskRun, task: str, key: str = "return_value") -> list[Any]:
    """Read XComs of a task: one, or those of all instances of a mapped one."""
    pull: Callable[..., Any] = run.context["ti"].xcom_pull
    value = pull(task_ids=task, key=key)
    values = value if isinstance(value, (list, tuple)) else [value]
    return [found for found in values if found is not None]


def _artifact(run: TaskRun, task: str, result: Any) -> JobArtifact:
    key = result.get("object_key") if isinstance(result, dict) else None
    if not isinstance(key, str):
        raise _missing(f"the task {task} returns something else than artifacts")
    if not is_of_run(key, run.dag_id, run.run_id):
        raise _missing(f"the task {task} names artifacts of another run")
    name, sha256 = (str(result.get(field) or "") for field in ("name", "sha256"))
    return JobArtifact(name=name, object_key=key, sha256=sha256)


def _missing(words: str) -> SystemFailure:
    return SystemFailure(words, reason=FailureReason.MISSING_DEPENDENCY_FAILURE)


def _said_by_airflow(run: TaskRun) -> dict[str, str]:
    """Give the variables that Airflow sets for tasks of other operators."""
    ti: Any = run.context["ti"]
    return {
        "AIRFLOW_CTX_DAG_ID": run.dag_id,
        "AIRFLOW_CTX_TASK_ID": str(ti.task_id),
        "AIRFLOW_CTX_DAG_RUN_ID": run.run_id,
        "AIRFLOW_CTX_TRY_NUMBER": str(ti.try_number),
    }
