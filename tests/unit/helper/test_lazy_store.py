"""Opening the object store in the background."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.helper.lazy_store import LazyStore
from processes.phases import FolderStore


def test_is_opened_once(tmp_path: Path):
    """Also when it is asked for while it is being opened."""
    opened: list[int] = []
    go = threading.Event()

    def opener() -> FolderStore:
        go.wait()
        opened.append(1)
        return FolderStore(tmp_path)

    store = LazyStore(opener)
    store.warm_up()
    store.warm_up()
    go.set()

    assert store() is store()
    assert opened == [1]


def test_is_not_opened_for_nothing():
    """Jobs without caches and artifacts never touch it."""
    LazyStore(lambda: pytest.fail("opened"))


def test_a_failure_shows_when_it_is_used():
    """Not in the background, where nobody sees it."""

    def opener() -> FolderStore:
        raise StorageError("no such bucket")

    store = LazyStore(opener)
    store.warm_up()

    with pytest.raises(StorageError, match="no such bucket"):
        store()
