"""Objects, versions and the history that watches read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.resources import CONFIG_MAPS, SECRETS
from gitlab_ci_cluster.objects.store import Change, Store


def config_map(name: str, **fields: Any) -> dict[str, Any]:
    metadata = {"namespace": "n", "name": name, "uid": f"uid-{name}"}
    return {"kind": "ConfigMap", "metadata": metadata, **fields}


def test_each_change_has_a_higher_version():
    """Creating, updating and removing each give the next version, also to the object."""
    store = Store(100)

    made = store.create(CONFIG_MAPS, config_map("a"))
    changed = store.update(CONFIG_MAPS, {**made, "data": {"x": "y"}})
    removed = store.remove(CONFIG_MAPS, "n", "a")

    versions = [obj["metadata"]["resourceVersion"] for obj in (made, changed, removed)]
    assert versions == ["101", "102", "103"]
    assert store.version == 103


def test_update_that_changes_nothing_is_none():
    """The same content gets no new version and wakes nobody."""
    store = Store(100)
    made = store.create(CONFIG_MAPS, config_map("a"))

    assert store.update(CONFIG_MAPS, config_map("a")) is made
    assert [change.type for change in store.changes(CONFIG_MAPS, 100)] == ["ADDED"]


def test_taken_names_and_missing_objects_are_refused():
    """409 for a name that is taken, 404 for an object that is not there or another one by now."""
    store = Store(100)
    store.create(CONFIG_MAPS, config_map("a"))

    with pytest.raises(ApiError, match="already exists"):
        store.create(CONFIG_MAPS, config_map("a"))
    with pytest.raises(ApiError, match="not found"):
        store.remove(CONFIG_MAPS, "n", "b")
    other = config_map("a")
    other["metadata"] = {**other["metadata"], "uid": "another"}
    with pytest.raises(ApiError, match="not found"):
        store.update(CONFIG_MAPS, other)


def test_history_is_bounded_and_says_so():
    """Who asks for changes that are forgotten gets 410, also those of an earlier cluster."""
    store = Store(100)
    made = store.create(CONFIG_MAPS, config_map("a"))
    for number in range(5000):
        made = store.update(CONFIG_MAPS, {**made, "data": {"x": str(number)}})

    for version in (7, 101):
        with pytest.raises(ApiError, match="too old resource version") as caught:
            store.changes(CONFIG_MAPS, version)
        assert caught.value.code == 410
    assert len(store.changes(CONFIG_MAPS, store.version - 1000)) == 1000


def test_waiting_ends_with_a_change_of_that_kind():
    """A waiter sleeps through changes of other kinds."""

    async def scenario() -> bool:
        store = Store(100)
        waiter = asyncio.create_task(store.wait(CONFIG_MAPS))
        await asyncio.sleep(0)
        store.create(SECRETS, config_map("s"))
        await asyncio.sleep(0)
        asleep = not waiter.done()
        store.create(CONFIG_MAPS, config_map("c"))
        await asyncio.wait_for(waiter, 5)
        return asleep

    assert asyncio.run(scenario())


def test_listeners_hear_changes_in_order():
    """Even when one of them makes a further change."""
    store = Store(100)
    heard = []

    def listen(change: Change):
        heard.append((change.type, change.obj["metadata"]["name"]))
        if change.obj["metadata"]["name"] == "a" and change.type == "ADDED":
            store.create(CONFIG_MAPS, config_map("b"))

    store.listen(listen)
    store.create(CONFIG_MAPS, config_map("a"))

    assert heard == [("ADDED", "a"), ("ADDED", "b")]
