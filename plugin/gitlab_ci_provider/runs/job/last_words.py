"""Staying with a pod whose deferred task a person has ended: `after_script` has yet to run.

Airflow cancels the trigger once a second then, and `on_kill` with it. So what follows the pod is a
task of asyncio of its own, which goes on until the pod has ended, and only then is the trigger
canceled as Airflow wants.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gitlab_ci_provider.airflow_internals.trigger_cancel import task_has_moved

_Result = TypeVar("_Result")

_log = logging.getLogger(__name__)


async def to_the_last_word(
    work: asyncio.Task[_Result], end_pod: Callable[[], Awaitable[bool]]
) -> _Result:
    """Wait for the work, also when the task was ended by a person.

    Args:
        work: follows the pod.
        end_pod: has the pod end if that is what the person wants; false if somebody else has it.

    Raises:
        CancelledError: Airflow has canceled the trigger, and the work is over.
    """
    canceled: asyncio.CancelledError | None = None
    ending: asyncio.Task[None] | None = None
    while left := {task for task in (work, ending) if task is not None and not task.done()}:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as problem:
            if not task_has_moved(problem):
                for task in left:
                    task.cancel()
                await asyncio.gather(*left, return_exceptions=True)
                raise
            canceled = problem
            ending = ending or asyncio.create_task(_end(work, end_pod))
    if canceled is None:
        return work.result()
    await asyncio.gather(work, return_exceptions=True)
    raise canceled


async def _end(work: asyncio.Task[_Result], end_pod: Callable[[], Awaitable[bool]]) -> None:
    try:
        stays = await end_pod()
    except Exception:  # noqa: BLE001 - Airflow would only log it, too
        _log.exception("the pod of a task that has ended could not be deleted")
        stays = False
    if not stays:
        work.cancel()
