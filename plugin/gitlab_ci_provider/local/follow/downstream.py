"""The pipelines that a run has created.

The stack may stop with the run, so a pipeline that no job waits for is waited for here; and nobody
may be there to play manual jobs, in any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.airflow_states import AWAITING_INPUT, RUN_ENDED, UNDER_WAY
from gitlab_ci_provider.model.names import FINISH_PIPELINE
from gitlab_ci_provider.model.run_address import read_address


@dataclass(frozen=True, slots=True, kw_only=True)
class DownstreamRun:
    """A pipeline that a task of another one, the run `above`, has created."""

    above: str
    task: str
    dag: str
    run: str
    url: str


def downstream_runs(api: AirflowApi, dag: str, run: str) -> Iterator[DownstreamRun]:
    """Find the pipelines that a run has created, directly or not, nearest first."""
    for task, url in api.xcoms(dag, run, xcom_keys.DOWNSTREAM_LINK):
        if found := read_address(str(url)):
            yield DownstreamRun(above=run, task=task, dag=found.dag, run=found.run, url=str(url))
            yield from downstream_runs(api, found.dag, found.run)


def is_settled(api: AirflowApi, run: DownstreamRun) -> bool:
    """Return whether a pipeline has ended, or waits for a person and nothing else."""
    if api.run_state(run.dag, run.run) in RUN_ENDED:
        return True
    states = {task.state for task in api.tasks(run.dag, run.run).values()}
    return AWAITING_INPUT in states and not states & UNDER_WAY


def described(api: AirflowApi, run: DownstreamRun) -> dict[str, Any]:
    """Describe a pipeline as data: where it is and how it ended."""
    said = api.xcom(run.dag, run.run, FINISH_PIPELINE, xcom_keys.PIPELINE_RESULT) or {}
    state = api.run_state(run.dag, run.run)
    status = said.get("status") or ("canceled" if state == "failed" else "running")
    return {"dag_id": run.dag, "run_id": run.run, "url": run.url, "status": status}
