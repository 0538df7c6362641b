"""A trigger stays with its pod until it has ended, though Airflow cancels it again and again."""

from __future__ import annotations

import asyncio

import pytest
from airflow.jobs.triggerer_job_runner import _USER_ACTION_CANCEL_MSG

from gitlab_ci_provider.runs.job.last_words import to_the_last_word


async def followed(words: list[str], deleted: asyncio.Event) -> str:
    """Follow a pod that ends some time after it was deleted."""
    try:
        await deleted.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        words.append("after_script")
    except asyncio.CancelledError:
        words.append("abandoned")
        raise
    return "over"


async def canceled(message: str | None, *, wanted: bool, times: int = 3) -> list[str]:
    """Cancel a trigger, as Airflow does; gives what its log shows."""
    words: list[str] = []
    deleted = asyncio.Event()

    async def end_pod() -> bool:
        await asyncio.sleep(0)
        words.append("asked")
        if wanted:
            deleted.set()
        return wanted

    work = asyncio.create_task(followed(words, deleted))
    trigger = asyncio.create_task(to_the_last_word(work, end_pod))
    await asyncio.sleep(0)
    for _ in range(times):
        trigger.cancel(message)
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError, match=message):
        await trigger
    return words


def test_the_pod_of_a_task_that_was_ended_is_followed_to_its_end():
    """It is deleted once; the trigger then counts as canceled, as Airflow expects it."""
    words = asyncio.run(canceled(_USER_ACTION_CANCEL_MSG, wanted=True))

    assert words == ["asked", "after_script"]


def test_a_pod_that_somebody_else_has_is_left():
    """Another triggerer, or a worker."""
    words = asyncio.run(canceled(_USER_ACTION_CANCEL_MSG, wanted=False))

    assert words == ["asked", "abandoned"]


def test_a_triggerer_that_shuts_down_leaves_the_pod():
    """The next one goes on: nothing is deleted, nobody waits."""
    assert asyncio.run(canceled(None, wanted=True, times=1)) == ["abandoned"]


def test_a_pod_that_ends_gives_its_end():
    """Nobody has canceled anything."""

    async def end() -> str:
        deleted = asyncio.Event()
        deleted.set()
        work = asyncio.create_task(followed([], deleted))
        return await to_the_last_word(work, asyncio.sleep)  # type: ignore[arg-type]

    assert asyncio.run(end()) == "over"
