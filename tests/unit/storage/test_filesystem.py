"""The object store in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.storage.base import MissingObjectError
from gitlab_ci_provider.storage.filesystem import FilesystemStore


@pytest.fixture
def store(tmp_path: Path) -> FilesystemStore:
    """An empty store."""
    return FilesystemStore(tmp_path / "objects")


def put(store: FilesystemStore, tmp_path: Path, key: str, text: str) -> None:
    """Put a text."""
    (tmp_path / "source").write_text(text)
    store.put(key, tmp_path / "source")


def test_gets_what_was_put(store: FilesystemStore, tmp_path: Path):
    """A later object replaces an earlier one with the same key."""
    put(store, tmp_path, "a/b.txt", "one")
    put(store, tmp_path, "a/b.txt", "second")

    store.get("a/b.txt", tmp_path / "got")

    assert (tmp_path / "got").read_text() == "second"
    assert store.head("a/b.txt").size == 6


def test_a_missing_object_is_named(store: FilesystemStore, tmp_path: Path):
    """And leaves no file behind."""
    with pytest.raises(MissingObjectError, match="a/none"):
        store.get("a/none", tmp_path / "got")

    assert store.head("a/none") is None
    assert not (tmp_path / "got").exists()


def test_lists_by_prefix_in_order(store: FilesystemStore, tmp_path: Path):
    """A prefix is a text, not a folder, as in S3."""
    for key in ("b", "a/2", "a/10", "ab/1"):
        put(store, tmp_path, key, key)

    assert [info.key for info in store.list("a")] == ["a/10", "a/2", "ab/1"]
    assert [info.key for info in store.list("a/")] == ["a/10", "a/2"]
    assert [info.key for info in store.list("none/")] == []


def test_deletes(store: FilesystemStore, tmp_path: Path):
    """An object that is not there is gone already."""
    put(store, tmp_path, "a", "text")

    store.delete("a")
    store.delete("a")

    assert store.head("a") is None


def test_a_failed_put_keeps_the_old_object(store: FilesystemStore, tmp_path: Path):
    """Nothing unfinished is ever seen."""
    put(store, tmp_path, "a", "old")

    with pytest.raises(StorageError, match="cannot write a"):
        store.put("a", tmp_path / "missing")

    assert [info.size for info in store.list("")] == [3]


@pytest.mark.parametrize("key", ["../a", "/a", "a//b", "", "a/.."])
def test_keys_stay_inside(store: FilesystemStore, tmp_path: Path, key: str):
    """Keys are checked again here, whoever made them."""
    with pytest.raises(StorageError, match="not a key"):
        store.head(key)
