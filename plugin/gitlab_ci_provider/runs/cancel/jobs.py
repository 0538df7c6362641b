"""Cancels jobs of a pipeline from outside their tasks, and obeys such orders inside.

An order to cancel is a record of the state, so that a job that starts later finds it; pods that run
are deleted. A job obeys an order once: a canceled job that is cleared runs.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.run import JobResult, JobStatus, PipelineRun
from gitlab_ci_provider.runs.cancel.pods import PodsOf, delete_pods, sweep_pods
from gitlab_ci_provider.runs.context import RunContext
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.record import push_result
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import State

_MET = "gitlab_ci_canceled"
_RAN = frozenset({JobStatus.SUCCESS, JobStatus.FAILED, JobStatus.CANCELED})

_log = logging.getLogger(__name__)


def cancel_jobs(settings: Settings, state: State, run: PipelineRun, order: Cancellation) -> None:
    """Cancel jobs of a run: those that run now, and the others when their turn comes.

    Each call is a separate order, even when an earlier one had the same name.
    """
    if not order.jobs:
        return
    order = replace(order, name=f"{order.name}-{secrets.token_hex(4)}")
    state.cancellations.give(run.dag_id, run.run_id, order)
    _log.info("pipeline %s: canceled %s: %s", run.id, order.reason, ", ".join(order.jobs))
    pods_of = PodsOf(state.installation.name(), run.project.path, run.id)
    try:
        for pod in delete_pods(settings, pods_of, order.reason, order.jobs):
            _log.info("deleting pod %s", pod)
    except SystemFailure as problem:
        _log.warning("%s", problem)


def sweep(run: RunContext, ended: Mapping[str, JobResult]) -> None:
    """Delete the leftovers of ended jobs, whose worker or cluster was not alive to do it."""
    ran = [job for job, result in ended.items() if result.status in _RAN]
    if not ran:
        return
    try:
        name = run.state.installation.name()
        pods_of = PodsOf(name, run.record.project.path, run.record.id)
        for pod in sweep_pods(run.settings, pods_of, ran):
            _log.info("deleting pod %s, left by a job that has ended", pod)
    except SystemFailure as problem:
        _log.warning("%s", problem)


def order_to(run: JobRun) -> Cancellation | None:
    """Look for an order that a job has to obey, and has not obeyed before."""
    return _unmet(run, _orders(run))


def _unmet(run: JobRun, orders: Sequence[Cancellation]) -> Cancellation | None:
    met = run.context["task_state_store"].get(_MET) if orders else None
    known = met if isinstance(met, list) else []
    return next((order for order in orders if order.name not in known), None)


def obey(run: JobRun) -> str | None:
    """Record that a job that starts was canceled, if there is an order; return the reason."""
    order = _unmet(run, [order for order in run.orders if run.job.name in order.jobs])
    if order is None:
        return None
    push_result(run, canceled(run, order.reason))
    meet(run)
    return order.reason


def meet(run: JobRun) -> None:
    """Mark all orders to the job as obeyed: they do not apply to its next try."""
    if orders := _orders(run):
        run.context["task_state_store"].set(_MET, [order.name for order in orders])


def canceled(run: JobRun, reason: str) -> JobResult:
    """Return the result of a job that was canceled."""
    return JobResult(status=JobStatus.CANCELED, allowed_failure=run.may_fail(), reason=reason)


def _orders(run: JobRun) -> list[Cancellation]:
    orders = run.state.cancellations.of_run(run.record.dag_id, run.record.run_id)
    return [order for order in orders if run.job.name in order.jobs]
