"""What `create_pipeline` and a failed job cancel: see `schedule/auto_cancel.py` for the rules."""

from __future__ import annotations

import msgspec
from airflow.sdk import Context

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.hooks.project_settings import project_settings
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.log import Log
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE, task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.runs.cancel.jobs import cancel_jobs
from gitlab_ci_provider.runs.cancel.pods import delete_pods
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.record import task_states
from gitlab_ci_provider.schedule.airflow_states import ENDED, States
from gitlab_ci_provider.schedule.auto_cancel import (
    cancelable,
    canceled_by_commit,
    is_redundant,
)
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state


def cancel_redundant(context: Context, settings: Settings, run: PipelineRun, log: Log) -> None:
    """Cancel what this new pipeline makes redundant. Never fails the new pipeline."""
    open_state(settings).cancellations.forget(run.dag_id, run.run_id)
    running = open_state(settings).register.running(run.project.path, run.pipeline_ref)
    others = [entry for entry in running if entry.id != run.id]
    if not others:
        return
    for entry in reversed(others):
        try:
            _look_at(context, settings, (entry, run), log)
        except (GitlabCiError, msgspec.ValidationError) as problem:  # or another version made it
            log.warning("pipeline %s is not canceled: %s", entry.id, problem)


def cancel_rest(context: Context, failed: JobRun, log: Log) -> None:
    """Cancel the jobs beside one that failed, with `auto_cancel:on_job_failure: all`."""
    run, job = failed.record, failed.job.name
    if run.auto_cancel is None or run.auto_cancel.on_job_failure != "all":
        return
    states = _by_job(run, task_states(context, run.dag_id, run.run_id))
    others = tuple(other for other in cancelable(run, states) if other != job)
    order = Cancellation(name="failure", reason=f"because '{job}' failed", jobs=others)
    cancel_jobs(failed.settings, run, order, log)


def _look_at(
    context: Context,
    settings: Settings,
    known: tuple[PipelineEntry, PipelineRun],
    log: Log,
) -> None:
    entry, run = known
    states = task_states(context, entry.dag_id, entry.run_id)
    if states.get(FINISH_PIPELINE, "removed") in ENDED:
        _sweep(settings, entry, log)
        return
    if project_settings(run.project.path).auto_cancel_pending_pipelines == "disabled":
        return
    value = context["ti"].xcom_pull(
        dag_id=entry.dag_id, run_id=entry.run_id, task_ids=CREATE_PIPELINE, key=xcom_keys.PIPELINE
    )
    if value is None:
        return
    older = convert(value, PipelineRun)
    if not is_redundant(older, run):
        return
    pipeline = open_state(settings).snapshots.load_pipeline(older.digest)
    jobs = canceled_by_commit(older, _by_job(older, states), _bridges(pipeline))
    order = Cancellation(name=f"pipeline-{run.id}", reason=f"by pipeline {run.id}", jobs=jobs)
    cancel_jobs(settings, older, order, log)


def _sweep(settings: Settings, entry: PipelineEntry, log: Log) -> None:
    """Tidy up after a run that was stopped: nobody closed it, and a lost worker left its pod."""
    open_state(settings).register.finish(entry.id, "canceled")
    for pod in delete_pods(settings, (entry.project, entry.id), "its run has ended"):
        log.warning("deleting pod %s, left by pipeline %s", pod, entry.id)


def _by_job(run: PipelineRun, states: States) -> dict[str, str | None]:
    return {job: states.get(task) for job, task in task_ids(run.decisions).items()}


def _bridges(pipeline: Pipeline) -> list[str]:
    return [job.name for job in pipeline.jobs.values() if job.bridge is not None]
