"""Waits for a resource group without a worker: the triggerer takes it for the job."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import cached_property
from typing import Any

import msgspec
from airflow.triggers.base import BaseTrigger, TriggerEvent

from gitlab_ci_provider.airflow_internals.tasks import task_states
from gitlab_ci_provider.hooks.kubernetes import UNREACHABLE, connect_to
from gitlab_ci_provider.hooks.outages import say
from gitlab_ci_provider.hooks.resource_groups import ResourceGroup
from gitlab_ci_provider.schedule.resource_group import Claim, ProcessMode, take

_LOOK_SECONDS = 1.0
_LOOKS = 10
"""How many checks pass between two questions to Airflow about the jobs ahead."""


class ResourceGroupTrigger(BaseTrigger):
    """Fires when the job has the group.

    Args:
        place: connection and namespace of the ConfigMap.
        group: path of the project, and the key of the group in it.
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

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what recreates this trigger in another process."""
        names = ("place", "group", "claim", "mode", "outage")
        given = {name: getattr(self, name) for name in names}
        return f"{type(self).__module__}.{type(self).__qualname__}", given

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Check until the job has the group, or until it has been unreachable for too long."""
        from asgiref.sync import sync_to_async

        look = sync_to_async(self._look)
        looks, problem, answered = 1, "", time.monotonic()
        while True:
            try:
                found = await look(check=looks % _LOOKS == 0)
                answered, problem = time.monotonic(), ""
                if found:
                    break
            except UNREACHABLE as error:
                problem = say(error)
                if time.monotonic() - answered >= self.outage:
                    break
            looks += 1
            await asyncio.sleep(_LOOK_SECONDS)
        yield TriggerEvent({"group": self.group[1], "problem": problem})

    @cached_property
    def _group(self) -> ResourceGroup:
        return ResourceGroup(*connect_to(self.place[0], self.place[1], outage=0), *self.group)

    def _look(self, *, check: bool) -> bool:
        """Take the group if it is the job's turn; first check whether earlier jobs still exist."""
        claim, mode = msgspec.convert(self.claim, Claim), ProcessMode(self.mode)
        if check:
            self._group.prune(task_states)
        holder = self._group.update(lambda found: take(found, claim, mode)).holder
        return holder is not None and holder.key == claim.key
