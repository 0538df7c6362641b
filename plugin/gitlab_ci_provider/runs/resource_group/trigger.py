"""Waits for a resource group without a worker: the triggerer takes it for the job."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from functools import cached_property
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from gitlab_ci_provider.airflow_internals.tasks import task_states
from gitlab_ci_provider.hooks.kubernetes import UNREACHABLE, connect_to
from gitlab_ci_provider.hooks.outages import say
from gitlab_ci_provider.hooks.resource_groups import ResourceGroup
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.runs.resource_group.looks import SharedGroup, next_look, shared_group
from gitlab_ci_provider.schedule.resource_group import (
    Claim,
    ProcessMode,
    is_next,
    is_waiting,
    may_take,
    take,
)

_LOOKS = 10
"""How many checks pass between two questions to Airflow about the jobs ahead."""


class ResourceGroupTrigger(BaseTrigger):
    """Fires when the job has the group.

    Args:
        place: connection and namespace of the ConfigMap.
        group: the installation, the path of the project, and the key of the group in it.
        claim: the job's, as plain data.
        mode: the process mode of the group.
        outage: seconds for which it may be unreachable before the job fails.
    """

    def __init__(
        self,
        *,
        place: list[str],
        group: list[str],
        claim: dict[str, Any],
        mode: str,
        outage: float = 600,
    ):
        super().__init__()
        self.place = place
        self.group = group
        self.claim = claim
        self.mode = mode
        self.outage = outage
        self.problem = ""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what recreates this trigger in another process."""
        names = ("place", "group", "claim", "mode", "outage")
        given = {name: getattr(self, name) for name in names}
        return f"{type(self).__module__}.{type(self).__qualname__}", given

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the job has the group, or until it has been out of reach for too long."""
        shared = shared_group((*self.place, *self.group), self._open)
        async with shared.waiting() as looked:
            while not await self._is_over(shared):
                await next_look(looked)
        yield TriggerEvent({"group": self.group[-1], "problem": self.problem})

    def _open(self) -> ResourceGroup:
        return ResourceGroup(*connect_to(self.place[0], self.place[1], outage=0), *self.group)

    async def _is_over(self, shared: SharedGroup) -> bool:
        """Take the group if it is the job's turn; tell whether the wait is over."""
        try:
            if await self._has_it(shared):
                return True
            self.problem = shared.problem
        except UNREACHABLE as problem:
            self.problem = say(problem)
        return bool(self.problem) and time.monotonic() - shared.answered >= self.outage

    async def _has_it(self, shared: SharedGroup) -> bool:
        claim, mode = self._claim, ProcessMode(self.mode)
        seen = shared.seen
        if seen is None:
            return False
        if is_next(seen, claim, mode) and shared.looks % _LOOKS == 0:
            await shared.ask(lambda group: group.prune(task_states))
        if is_waiting(seen, claim) and not may_take(seen, claim, mode):
            return False
        taken = await shared.ask(lambda group: group.update(lambda now: take(now, claim, mode)))
        holder = taken.holder
        return holder is not None and bool(holder.key == claim.key)

    @cached_property
    def _claim(self) -> Claim:
        return convert(self.claim, Claim)
