"""Waiting for another pipeline without a worker: an Airflow trigger that watches its run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

from airflow.triggers.base import BaseTrigger, TriggerEvent

from gitlab_ci_provider.airflow_internals.tasks import run_state, task_states
from gitlab_ci_provider.model.airflow_states import ENDED, RUN_ENDED
from gitlab_ci_provider.model.names import CREATE_PIPELINE

Until = Literal["created", "ended"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
"""Seconds between checks: short for a short pipeline, longer for a long one."""


class DownstreamTrigger(BaseTrigger):
    """Fires when a run's pipeline has been created, or has ended, or its bridge was canceled.

    Args:
        dag, run: of the pipeline.
        until: what to wait for.
        bridge: DAG, run and name of the job that waits.
        child: cancel the pipeline when the bridge is.
        obeyed: orders that have already canceled the bridge.
    """

    def __init__(
        self,
        *,
        dag: str,
        run: str,
        until: Until,
        bridge: list[str],
        child: bool,
        obeyed: list[str],
    ):
        super().__init__()
        self.dag, self.run_id, self.until = dag, run, until
        self.bridge, self.child, self.obeyed = bridge, child, obeyed

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what recreates this trigger in another process."""
        pipeline = {"dag": self.dag, "run": self.run_id, "until": self.until}
        job = {"bridge": self.bridge, "child": self.child, "obeyed": self.obeyed}
        return f"{__name__}.{type(self).__name__}", {**pipeline, **job}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch the run until the wait is over."""
        pause = _FIRST_PAUSE
        while (state := await asyncio.to_thread(self._look)) is None:
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, _LONGEST_PAUSE)
        yield TriggerEvent(state)

    async def on_kill(self) -> None:
        """Cancel a child with its bridge, which a person has stopped or cleared."""
        await asyncio.to_thread(self._cancel)

    def _look(self) -> str | None:
        """Return why the wait is over: the run's state, `canceled`, or `gone` when deleted."""
        from gitlab_ci_provider.runs.bridge.cancel_child import orders_to
        from gitlab_ci_provider.settings import load_settings
        from gitlab_ci_provider.state import open_state

        state = run_state(self.dag, self.run_id)
        if state is None:
            return "gone"
        if state in RUN_ENDED or (self.until == "created" and self._is_created()):
            return state
        if set(orders_to(open_state(load_settings()), *self.bridge)) - set(self.obeyed):
            self._cancel()
            return "canceled"
        return None

    def _is_created(self) -> bool:
        states = task_states(self.dag, self.run_id, [CREATE_PIPELINE])
        return states.get(CREATE_PIPELINE) in ENDED

    def _cancel(self) -> None:
        from gitlab_ci_provider.runs.bridge.cancel_child import cancel_child

        if self.child:
            cancel_child(self.dag, self.run_id)
