"""One look a second at each resource group, however many jobs of a triggerer wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

from gitlab_ci_provider.hooks.kubernetes import UNREACHABLE
from gitlab_ci_provider.hooks.outages import say
from gitlab_ci_provider.hooks.resource_groups import ResourceGroup
from gitlab_ci_provider.schedule.resource_group import Group

_LOOK_SECONDS = 1.0

Key = tuple[str, ...]
Open = Callable[[], ResourceGroup]


class SharedGroup:
    """A resource group as all jobs of this process that wait for it see it.

    Attributes:
        seen: as it was at the last look; None before the first.
        looks: how often it was looked at.
        problem: why the last look was in vain; empty if it was not.
        answered: when a look was not in vain, by the monotonic clock.
    """

    def __init__(self, opened: Open):
        self._opened = opened
        self._group: ResourceGroup | None = None
        self._waiters: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None
        self.seen: Group | None = None
        self.looks = 0
        self.problem = ""
        self.answered = time.monotonic()

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[asyncio.Event]:
        """Wait for the group; the event is set after each look."""
        looked = asyncio.Event()
        self._waiters.add(looked)
        if self._task is None:
            self.answered = time.monotonic()
            self._task = asyncio.create_task(self._look())
        try:
            yield looked
        finally:
            self._waiters.discard(looked)
            if not self._waiters and self._task is not None:
                self._task.cancel()
                self._task = None

    async def ask(self, work: Callable[[ResourceGroup], Any]) -> Any:
        """Do something with the group, in a thread."""
        return await asyncio.to_thread(lambda: work(self._open()))

    def _open(self) -> ResourceGroup:
        if self._group is None:
            self._group = self._opened()
        return self._group

    async def _look(self) -> None:
        while True:
            try:
                self.seen = await self.ask(lambda group: group.update(lambda found: found))
                self.answered, self.problem = time.monotonic(), ""
            except UNREACHABLE as problem:
                self.problem = say(problem)
            self.looks += 1
            for looked in self._waiters:
                looked.set()
            await asyncio.sleep(_LOOK_SECONDS)


_GROUPS: WeakKeyDictionary[Any, dict[Key, SharedGroup]] = WeakKeyDictionary()
"""By event loop: a triggerer has one."""


def shared_group(key: Key, opened: Open) -> SharedGroup:
    """Give what all jobs that wait for a group share."""
    groups = _GROUPS.setdefault(asyncio.get_running_loop(), {})
    return groups.setdefault(key, SharedGroup(opened))


async def next_look(looked: asyncio.Event) -> None:
    """Wait for the next look."""
    looked.clear()
    with suppress(TimeoutError):
        await asyncio.wait_for(looked.wait(), 60)
