"""Canceling jobs of a pipeline from outside of their own tasks, and hearing of it inside.

The order is a file, so that a job whose turn comes later meets it; the pods that run are deleted.
Each job meets an order once: whoever clears a canceled job runs it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace

from airflow.sdk import Context

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.log import Log
from gitlab_ci_provider.model.run import JobResult, JobStatus, PipelineRun
from gitlab_ci_provider.runs.cancel.pods import delete_pods, sweep_pods
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.record import push_result
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state

_MET = "gitlab_ci_canceled"
_RAN = frozenset({JobStatus.SUCCESS, JobStatus.FAILED, JobStatus.CANCELED})


def cancel_jobs(settings: Settings, run: PipelineRun, order: Cancellation, log: Log) -> None:
    """End jobs of a run: those that run now, and the others when their turn comes.

    Each call is an order of its own, also when an earlier one had the same name.
    """
    if not order.jobs:
        return
    order = replace(order, name=f"{order.name}-{secrets.token_hex(4)}")
    open_state(settings).cancellations.give(run.dag_id, run.run_id, order)
    log.info("pipeline %s: canceled %s: %s", run.id, order.reason, ", ".join(order.jobs))
    try:
        for pod in delete_pods(settings, (run.project.path, run.id), order.reason, order.jobs):
            log.info("deleting pod %s", pod)
    except SystemFailure as problem:
        log.warning("%s", problem)


def sweep(settings: Settings, run: PipelineRun, ended: Mapping[str, JobResult], log: Log) -> None:
    """Delete what jobs that have ended have left: no worker was alive to do it, or no cluster."""
    ran = [job for job, result in ended.items() if result.status in _RAN]
    if not ran:
        return
    try:
        for pod in sweep_pods(settings, (run.project.path, run.id), ran):
            log.info("deleting pod %s, left by a job that has ended", pod)
    except SystemFailure as problem:
        log.warning("%s", problem)


def order_to(context: Context, run: JobRun) -> Cancellation | None:
    """Find the order that a job has to obey, if there is one that it has not met before."""
    orders = _orders(run)
    met = context["task_state_store"].get(_MET) if orders else None
    known = met if isinstance(met, list) else []
    return next((order for order in orders if order.name not in known), None)


def obey(context: Context, run: JobRun) -> str | None:
    """Have the job say that it was canceled, if there is an order; gives the reason."""
    order = order_to(context, run)
    if order is None:
        return None
    push_result(context, canceled(run, order.reason))
    meet(context, run)
    return order.reason


def meet(context: Context, run: JobRun) -> None:
    """Have the job remember all orders to it: none of them is meant for what it does next."""
    if orders := _orders(run):
        context["task_state_store"].set(_MET, [order.name for order in orders])


def canceled(run: JobRun, reason: str) -> JobResult:
    """Give the result of a job that was canceled."""
    allowed = run.decision.allow_failure.allows(None)
    return JobResult(status=JobStatus.CANCELED, allowed_failure=allowed, reason=reason)


def _orders(run: JobRun) -> list[Cancellation]:
    given = open_state(run.settings).cancellations
    orders = given.of_run(run.record.dag_id, run.record.run_id)
    return [order for order in orders if run.job.name in order.jobs]
