"""Airflow's triggerer says why it cancels a trigger."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from airflow.jobs.triggerer_job_runner import TriggerRunner

from gitlab_ci_provider.airflow_internals.trigger_cancel import task_has_moved
from unit.airflow_internals.contracts import contract


async def reasons(*, by_runner: bool) -> list[bool]:
    """Cancel a trigger and give what it makes of that."""
    found: list[bool] = []

    async def trigger() -> None:
        try:
            await asyncio.wait({asyncio.create_task(asyncio.Event().wait())})
        except asyncio.CancelledError as problem:
            found.append(task_has_moved(problem))
            raise

    task = asyncio.create_task(trigger())
    await asyncio.sleep(0)
    if by_runner:
        runner: Any = TriggerRunner()
        runner.triggers[1] = {"task": task}
        runner.to_cancel.append(1)
        await runner.cancel_triggers()
    else:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return found


def test_a_trigger_knows_that_its_task_has_moved():
    """A shutdown is something else."""
    with contract("the message of TriggerRunner.cancel_triggers", "tasks ended while deferred"):
        assert asyncio.run(reasons(by_runner=True)) == [True]
        assert asyncio.run(reasons(by_runner=False)) == [False]
