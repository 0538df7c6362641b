"""Canceling jobs of a pipeline from outside of their own tasks, and hearing of it inside.

The order is a file, so that a job whose turn comes later meets it; the pods that run are deleted.
Each job obeys an order once: whoever clears a canceled job runs it.
"""

from __future__ import annotations

import logging

from airflow.sdk import Context

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.operators.pipeline_pods import delete_pods
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


def order_to(
    context: Context, settings: Settings, run: PipelineRun, job: str
) -> Cancellation | None:
    """Find the order that a job has to obey, if there is one that it has not obeyed before."""
    orders = Cancellations(settings.cancellations).of_run(run.dag_id, run.run_id)
    mine = [order for order in orders if job in order.jobs]
    if not mine:
        return None
    obeyed = context["task_state_store"].get(_OBEYED)
    names = obeyed if isinstance(obeyed, list) else []
    return next((order for order in mine if _key(run, order) not in names), None)


def obey(context: Context, run: PipelineRun, order: Cancellation) -> None:
    """Remember that the job has obeyed an order."""
    obeyed = context["task_state_store"].get(_OBEYED)
    names = obeyed if isinstance(obeyed, list) else []
    context["task_state_store"].set(_OBEYED, [*names, _key(run, order)])


def _key(run: PipelineRun, order: Cancellation) -> str:
    return f"{run.created_at} {order.name}"
