"""The runner of triggers begins its next round when there is something to do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator

import anyio
import pytest

from gitlab_ci_provider.local.airflow.triggerer import WakefulRunner

# Airflow's API imports Starlette's test client, which warns of the library that it has.
pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with")

A_DAY = 24 * 3600


@pytest.fixture
def bell() -> Iterator[int]:
    made = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    yield made
    os.close(made)


def ring(runner: WakefulRunner, bell: int) -> None:
    os.eventfd_write(bell, 1)


def wake(runner: WakefulRunner, bell: int) -> None:
    runner.wake()


@pytest.mark.parametrize("disturb", [ring, wake])
def test_a_pause_ends_when_there_is_news(bell: int, disturb: Callable[[WakefulRunner, int], None]):
    """The supervisor rings, and a trigger that has ended wakes: a day would pass without them."""

    async def rounds() -> None:
        runner = WakefulRunner(bell)
        runner.listen()
        with runner.pause(A_DAY):
            asyncio.get_running_loop().call_soon(disturb, runner, bell)
            await anyio.Event().wait()

    asyncio.run(rounds())


def test_news_before_a_pause_leave_it_out(bell: int):
    """What comes while the runner talks to the supervisor does not wait for the round after."""

    async def rounds() -> None:
        runner = WakefulRunner(bell)
        runner.wake()
        with runner.pause(A_DAY):
            await anyio.Event().wait()

    asyncio.run(rounds())
