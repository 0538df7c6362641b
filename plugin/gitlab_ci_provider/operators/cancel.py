"""Canceling jobs of a pipeline from outside of their own tasks, and hearing of it inside.

The order is a file, so that a job whose turn comes later meets it; the pods that run are deleted.
Each job obeys an order once: whoever clears a canceled job runs it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from airflow.sdk import Context

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.run import JobResult, JobStatus, PipelineRun
from gitlab_ci_provider.operators.job_run import JobRun
from gitlab_ci_provider.operators.pipeline_pods import delete_pods
from gitlab_ci_provider.operators.run_record import push_result
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.snapshots.cancellations import Cancellations

_OBEYED = "gitlab_ci_canceled"


def cancel_jobs(
    settings: Settings, run: PipelineRun, order: Cancellation, log: logging.Logger
) -> None:
    """End jobs of a run: those that run now, and the others when their turn comes."""
    if not order.jobs:
        return
    Cancellations(settings.cancellations).give(run.dag_id, run.run_id, order)
    log.info("pipeline %s: canceled %s: %s", run.id, order.reason, ", ".join(order.jobs))
    try:
        for pod in delete_pods(settings, (run.project.path, run.id), order.reason, order.jobs):
            log.info("deleting pod %s", pod)
    except SystemFailure as problem:
        log.warning("%s", problem)


def sweep(
    settings: Settings, run: PipelineRun, ended: Mapping[str, JobResult], log: logging.Logger
) -> None:
    """Delete pods that canceled jobs have left: no worker was alive to do it."""
    canceled = [job for job, result in ended.items() if result.status == JobStatus.CANCELED]
    if not canceled:
        return
    try:
        delete_pods(settings, (run.project.path, run.id), "its job was canceled", canceled)
    except SystemFailure as problem:
        log.warning("%s", problem)


def order_to(context: Context, run: JobRun) -> Cancellation | None:
    """Find the order that a job has to obey, if there is one that it has not obeyed before."""
    given = Cancellations(run.settings.cancellations)
    orders = given.of_run(run.record.dag_id, run.record.run_id)
    mine = [order for order in orders if run.job.name in order.jobs]
    if not mine:
        return None
    obeyed = _obeyed(context)
    return next((order for order in mine if _key(run, order) not in obeyed), None)


def obey(context: Context, run: JobRun) -> str | None:
    """Have the job say that it was canceled, if there is an order; gives the reason."""
    order = order_to(context, run)
    if order is None:
        return None
    record_cancel(context, run, order.reason)
    context["task_state_store"].set(_OBEYED, [*_obeyed(context), _key(run, order)])
    return order.reason


def record_cancel(context: Context, run: JobRun, reason: str) -> None:
    """Have the job say that it was canceled."""
    allowed = run.decision.allow_failure.allows(None)
    result = JobResult(status=JobStatus.CANCELED, allowed_failure=allowed, reason=reason)
    push_result(context, result)


def _obeyed(context: Context) -> list[str]:
    stored = context["task_state_store"].get(_OBEYED)
    return [str(one) for one in stored] if isinstance(stored, list) else []


def _key(run: JobRun, order: Cancellation) -> str:
    return f"{run.record.created_at} {order.name}"
