"""Canceling a child pipeline with the job that waits for it, in the triggerer.

Source: GitLab's `Ci::CancelPipelineService`: children are canceled with their parent, pipelines of
other projects are not.
"""

from __future__ import annotations

import logging

from gitlab_ci_provider.airflow_internals.tasks import read_xcom, task_states
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.names import CREATE_PIPELINE, task_ids
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.runs.cancel.jobs import cancel_jobs
from gitlab_ci_provider.schedule.auto_cancel import cancelable
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_state

log = logging.getLogger(__name__)


def orders_to(dag: str, run: str, job: str) -> list[str]:
    """Name the orders by which a job was canceled so far."""
    orders = open_state(load_settings()).cancellations.of_run(dag, run)
    return [order.name for order in orders if job in order.jobs]


def cancel_child(dag: str, run: str) -> None:
    """Cancel what has not ended of a child pipeline; its own bridges hear of it and go on so."""
    value = read_xcom(dag, run, CREATE_PIPELINE, xcom_keys.PIPELINE)
    if value is None:
        log.warning("the child pipeline %s of %s is not canceled: it has yet to begin", run, dag)
        return
    child = convert(value, PipelineRun)
    names, states = task_ids(child.decisions), task_states(dag, run)
    jobs = cancelable(child, {job: states.get(task) for job, task in names.items()})
    order = Cancellation(name="parent", reason="with its parent pipeline", jobs=jobs)
    cancel_jobs(load_settings(), child, order, log)
