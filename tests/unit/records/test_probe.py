"""Ways in which stores fail the probe that no server here has; as measured with others."""

from __future__ import annotations

import threading

import pytest

from gitlab_ci_provider.exceptions import StateError, StorageError
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.records.probe import check
from gitlab_ci_provider.storage.conditional import NEW, ConditionalObjects, Found, Listed


class Memory(ConditionalObjects):
    """A store in this process that honours both conditions."""

    def __init__(self) -> None:
        self.target = StoreTarget(bucket="b")
        self.objects: dict[str, bytes] = {}
        self.one_at_a_time = threading.Lock()

    def get(self, key: str) -> Found | None:
        data = self.objects.get(key)
        return data and Found(data=data, size=len(data), version=data.hex(), writer="")  # type: ignore[return-value]

    def put(self, key: str, data: bytes, condition: str | None, writer: str) -> bool:
        with self.one_at_a_time:
            there = self.objects.get(key)
            if condition is not None and condition != (there.hex() if there else NEW):
                return False
            self.objects[key] = data
            return True

    def delete(self, key: str, version: str = "") -> bool:
        self.objects.pop(key, None)
        return True

    def page(self, prefix: str, after: str, length: int) -> list[Listed]:
        return [Listed(key=key, size=1, version="") for key in self.objects]


class IgnoresIfMatch(Memory):
    def put(self, key: str, data: bytes, condition: str | None, writer: str) -> bool:
        return super().put(key, data, condition if condition == NEW else None, writer)


class KnowsNoIfMatch(Memory):
    """As OpenStack Swift 2.38 answers."""

    def put(self, key: str, data: bytes, condition: str | None, writer: str) -> bool:
        if condition:
            raise StorageError("cannot store s3://b/x: NotImplemented")
        return super().put(key, data, condition, writer)


class LooksBeforeItStores(Memory):
    """As OpenStack Swift 2.38 creates objects: several writers find that there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.looked = threading.Barrier(8)

    def put(self, key: str, data: bytes, condition: str | None, writer: str) -> bool:
        if condition != NEW or not key[-2:].startswith("-"):
            return super().put(key, data, condition, writer)
        free = key not in self.objects
        self.looked.wait(60)
        return free and super().put(key, data, None, writer)


class ListsLater(Memory):
    def page(self, prefix: str, after: str, length: int) -> list[Listed]:
        return []


def test_a_store_that_honours_conditions_passes():
    """And keeps nothing of the probe."""
    store = Memory()

    check(store)

    assert store.objects == {}


@pytest.mark.parametrize(
    ("store", "problem"),
    [
        (IgnoresIfMatch(), "it ignores `If-Match`: changes of other processes would be lost"),
        (KnowsNoIfMatch(), "does not know conditional requests (.*NotImplemented"),
        (LooksBeforeItStores(), "several processes can create one object"),
        (ListsLater(), "does not list an object that was just stored"),
    ],
)
def test_others_are_refused_with_the_reason(store: Memory, problem: str):
    """The message names it."""
    with pytest.raises(StateError, match=problem.replace("(", r"\(")):
        check(store)

    assert store.objects == {}
