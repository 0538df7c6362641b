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
from gitlab_ci_provider.state import State, open_state

_log = logging.getLogger(__name__)


def orders_to(state: State, dag: str, run: str, job: str) -> list[str]:
    """Name the orders by which a job was canceled so far."""
    return [order.name for order in state.cancellations.of_run(dag, run) if job in order.jobs]


def cancel_child(dag: str, run: str) -> None:
    """Cancel the jobs of a child pipeline that have not ended; its own bridges do the same."""
    value = read_xcom(dag, run, CREATE_PIPELINE, xcom_keys.PIPELINE)
    if value is None:
        _log.warning(
            "the child pipeline %s of %s was not canceled: it has not started yet", run, dag
        )
        return
    child = convert(value, PipelineRun)
    names, states = task_ids(child.decisions), task_states(dag, run)
    jobs = cancelable(child, {job: states.get(task) for job, task in names.items()})
    order = Cancellation(name="parent", reason="with its parent pipeline", jobs=jobs)
    settings = load_settings()
    cancel_jobs(settings, open_state(settings), child, order)
