"""What `create_pipeline` and a failed job cancel: see `schedule/auto_cancel.py` for the rules."""

from __future__ import annotations

import logging

import msgspec

from gitlab_ci_provider.airflow_internals.tasks import read_xcom, task_states
from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.hooks.dag_runs import RunKey, pipeline_of
from gitlab_ci_provider.hooks.project_settings import project_settings
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.airflow_states import ENDED, States
from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.names import FINISH_PIPELINE, task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.runs.cancel.jobs import cancel_jobs
from gitlab_ci_provider.runs.cancel.pods import PodsOf, delete_pods
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.schedule.auto_cancel import (
    cancelable,
    canceled_by_commit,
    is_redundant,
)

_log = logging.getLogger(__name__)


def cancel_redundant(task: TaskContext, run: PipelineRun) -> None:
    """Cancel what this new pipeline makes redundant. Never fails the new pipeline."""
    task.state.cancellations.forget(run.dag_id, run.run_id)
    running = task.state.register.running(run.project.path, run.pipeline_ref)
    for entry in reversed([entry for entry in running if entry.id != run.id]):
        try:
            _cancel_if_redundant(task, entry, run)
        except (GitlabCiError, msgspec.ValidationError) as problem:  # or another version wrote it
            _log.warning("pipeline %s is not canceled: %s", entry.id, problem)


def cancel_rest(failed: JobRun) -> None:
    """Cancel the other jobs when one has failed, with `auto_cancel:on_job_failure: all`."""
    run, job = failed.record, failed.job.name
    if run.auto_cancel is None or run.auto_cancel.on_job_failure != "all":
        return
    states = _by_job(run, task_states(run.dag_id, run.run_id))
    others = tuple(other for other in cancelable(run, states) if other != job)
    order = Cancellation(name="failure", reason=f"because '{job}' failed", jobs=others)
    cancel_jobs(failed.settings, failed.state, run, order)


def _cancel_if_redundant(task: TaskContext, entry: PipelineEntry, newer: PipelineRun) -> None:
    states = task_states(entry.dag_id, entry.run_id)
    if states.get(FINISH_PIPELINE, "removed") in ENDED:
        _sweep(task, entry)
        return
    if project_settings(newer.project.path).auto_cancel_pending_pipelines == "disabled":
        return
    older = pipeline_of(task.context, RunKey(dag=entry.dag_id, run=entry.run_id))
    if older is None or not is_redundant(older, newer):
        return
    pipeline = task.state.snapshots.load_pipeline(older.digest)
    by_job = _with_followed(older, _by_job(older, states))
    jobs = canceled_by_commit(older, by_job, _bridges(pipeline))
    order = Cancellation(name=f"pipeline-{newer.id}", reason=f"by pipeline {newer.id}", jobs=jobs)
    cancel_jobs(task.settings, task.state, older, order)


def _sweep(task: TaskContext, entry: PipelineEntry) -> None:
    """Clean up after a run that was stopped: nobody closed it, and a lost worker left its pod."""
    task.state.register.finish(entry.id, "canceled")
    pods_of = PodsOf(task.state.installation.name(), entry.project, entry.id)
    for pod in delete_pods(task.settings, pods_of, "its run has ended"):
        _log.warning("deleting pod %s, left by pipeline %s", pod, entry.id)


def _by_job(run: PipelineRun, states: States) -> dict[str, str | None]:
    return {job: states.get(task) for job, task in task_ids(run.decisions).items()}


def _with_followed(run: PipelineRun, states: States) -> States:
    """Tell jobs that the triggerer follows from those that wait for their turn."""
    names = task_ids(run.decisions)
    deferred = [job for job, state in states.items() if state == "deferred"]
    begun = {
        job: "running"
        for job in deferred
        if read_xcom(run.dag_id, run.run_id, names[job], xcom_keys.FOLLOWED)
    }
    return {**states, **begun}


def _bridges(pipeline: Pipeline) -> list[str]:
    return [job.name for job in pipeline.jobs.values() if job.bridge is not None]
