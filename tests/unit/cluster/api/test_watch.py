"""The events of a watch, without a server."""

from __future__ import annotations

import asyncio
from typing import Any

from gitlab_ci_cluster.api.request import Target
from gitlab_ci_cluster.api.watch import _Plan, _Stream
from gitlab_ci_cluster.objects.resources import CONFIG_MAPS
from gitlab_ci_cluster.objects.store import Store


def plan(start: int, **changes: Any) -> _Plan:
    options = {
        "target": Target(resource=CONFIG_MAPS),
        "matches": lambda _: True,
        "form": "json",
        "include": "Metadata",
        "start": start,
        "seconds": 5.0,
        "bookmarks": False,
        "initial_end": False,
    }
    return _Plan(**{**options, **changes})


def config_map(name: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"namespace": "n", "name": name, "uid": name}}


def test_change_at_the_moment_of_falling_asleep_is_seen():
    """A change right after the watcher has looked, and before it waits, wakes it all the same."""

    async def scenario() -> dict[str, Any]:
        store = Store(100)
        events = _Stream(plan(100), store).events()
        loop = asyncio.get_running_loop()
        first = asyncio.ensure_future(anext(events))
        loop.call_soon(store.create, CONFIG_MAPS, config_map("a"))
        return await asyncio.wait_for(first, 2)

    assert asyncio.run(scenario())["type"] == "ADDED"


def test_watch_ends_when_its_time_is_over():
    """Cleanly, without an event."""

    async def scenario() -> list[Any]:
        return [event async for event in _Stream(plan(100, seconds=0.05), Store(100)).events()]

    assert asyncio.run(scenario()) == []
