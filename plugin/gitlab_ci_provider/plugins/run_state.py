"""Corrects the state of a run: Airflow says success when no task has failed, and may be wrong.

Three cases are known; `tests/integration/airflow` reproduces them with the scheduler's own code:

- A person or program ends a run (`PATCH` of the API, a button in the UI) while the scheduler is
  looking at it. The scheduler read the run before that and reads its tasks afterwards, finds that
  all have ended and none has failed, and writes `success` over `failed`. It locks the rows of the
  runs that it looks at, but SQLite has no such locks, and runs of paused DAGs are not locked.
- In the same way, a run that is marked while it is queued is started, and ends as a success.
- `finish_pipeline` was skipped or marked: nothing says that the pipeline has passed.

Airflow calls listeners before the scheduler's decision is written, in its session; what they set is
what will be written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitlab_ci_provider.airflow_internals.database import read_tasks, read_xcom, written_state
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.airflow_states import FAILED
from gitlab_ci_provider.model.names import FINISH_PIPELINE
from gitlab_ci_provider.model.run import JobStatus
from gitlab_ci_provider.schedule.pipeline_result import PipelineStatus, is_current

_GOOD = frozenset({PipelineStatus.PASSED, PipelineStatus.SKIPPED})

_OPERATOR = "FinishPipelineOperator"


def is_pipeline_run(dag_run: Any) -> bool:
    """Return whether a run is a pipeline."""
    dag = dag_run.dag
    if dag is None or not dag.has_task(FINISH_PIPELINE):
        return False
    return bool(dag.get_task(FINISH_PIPELINE).task_type == _OPERATOR)


def keep_state_set_by_others(session: Any, dag_run: Any, *expected: str) -> bool:
    """Undo the scheduler's decision when someone else has set the run's state in the meantime.

    From now until the scheduler's transaction ends, nobody else can.

    Args:
        session: the scheduler's.
        dag_run: with the scheduler's decision, which is not yet written.
        expected: states in which the scheduler may have left it.
    """
    state = written_state(session, dag_run)
    if state in expected or state == dag_run.state:
        return False
    dag_run.state = state
    return True


def why_not_passed(session: Any, dag_run: Any) -> str:
    """Return why a run that Airflow takes for successful has not passed; empty when it has."""
    tasks = read_tasks(session, dag_run)
    finish = tasks.get(FINISH_PIPELINE)
    end = read_xcom(session, dag_run, xcom_keys.PIPELINE_RESULT, FINISH_PIPELINE)
    said = end if isinstance(end, Mapping) else {}
    if finish is None or not is_current(finish.state, said):
        return f"failed: {FINISH_PIPELINE} did not end by itself"
    if said["status"] not in _GOOD:
        return str(said.get("text") or "failed")
    if failed := _failed_since(session, dag_run, tasks, finish):
        return f"failed: {', '.join(failed)} (run again after the pipeline had ended)"
    return ""


def _failed_since(session: Any, dag_run: Any, tasks: Mapping[str, Any], finish: Any) -> list[str]:
    """List jobs that ran again after `finish_pipeline` and failed, unless that is allowed."""
    bad = {name: task for name, task in tasks.items() if task.state in FAILED}
    since = finish.queued_dttm
    again = [name for name, task in bad.items() if since and (task.queued_dttm or since) > since]
    return [name for name in again if not _is_allowed(session, dag_run, name)]


def _is_allowed(session: Any, dag_run: Any, task: str) -> bool:
    told = read_xcom(session, dag_run, xcom_keys.JOB_RESULT, task)
    if not isinstance(told, Mapping) or told.get("status") != JobStatus.FAILED:
        return False
    return bool(told.get("allowed_failure"))
