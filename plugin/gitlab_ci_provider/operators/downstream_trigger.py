"""Waiting for another pipeline without a worker: an Airflow trigger that looks at its run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from gitlab_ci_provider.model.names import CREATE_PIPELINE

Until = Literal["created", "ended"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
"""Seconds between looks: soon for a short pipeline, seldom for a long one."""

_TASK_ENDS = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_RUN_ENDS = frozenset({"success", "failed"})


class DownstreamTrigger(BaseTrigger):
    """Fires when a run's pipeline has been created, or has ended.

    Args:
        dag, run: of the pipeline.
        until: what to wait for.
    """

    def __init__(self, dag: str, run: str, until: Until):
        super().__init__()
        self.dag = dag
        self.run_id = run
        self.until = until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what makes the same trigger elsewhere."""
        kwargs = {"dag": self.dag, "run": self.run_id, "until": self.until}
        return f"{__name__}.{type(self).__name__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until it is so."""
        pause = _FIRST_PAUSE
        while (state := await sync_to_async(self._look)()) is None:
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, _LONGEST_PAUSE)
        yield TriggerEvent(state)

    def _look(self) -> str | None:
        """Tell the run's state once the wait is over; `gone` when somebody deleted the run."""
        from airflow.sdk.exceptions import AirflowRuntimeError
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        try:
            state = _word(RuntimeTaskInstance.get_dagrun_state(self.dag, self.run_id))
        except AirflowRuntimeError as problem:
            if is_missing(problem):
                return "gone"
            raise
        if state in _RUN_ENDS or (self.until == "created" and self._is_created()):
            return state
        return None

    def _is_created(self) -> bool:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        states = RuntimeTaskInstance.get_task_states(
            dag_id=self.dag, task_ids=[CREATE_PIPELINE], run_ids=[self.run_id]
        )
        return _word(states.get(self.run_id, {}).get(CREATE_PIPELINE)) in _TASK_ENDS


def _word(state: Any) -> str:
    """Turn a state into its word: Airflow's enumerations are texts that hash differently."""
    return str(getattr(state, "value", state))


def is_missing(problem: Any) -> bool:
    """Tell whether Airflow's answer was that there is no such thing."""
    detail = problem.error.detail or {}
    return bool(detail.get("status_code") == 404)
