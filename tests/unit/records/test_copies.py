"""Copies of values that never change."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.serialization import digest
from gitlab_ci_provider.records.copies import CopiedStore
from gitlab_ci_provider.records.folder import FolderStore
from stores import MemoryStore

BLOB = b'{"jobs": []}'
KEY = f"snapshots/pipelines/{digest(BLOB)}.json"


def test_a_blob_is_fetched_once(tmp_path: Path):
    """Later reads are answered from the copy, even after the value was deleted."""
    store = MemoryStore({KEY: BLOB})
    records = CopiedStore(store, FolderStore(tmp_path))
    assert records.read_blob(KEY) == BLOB
    store.delete(KEY)

    assert records.read_blob(KEY) == BLOB
    assert records.read(KEY) is None


def test_who_creates_a_blob_has_its_copy(tmp_path: Path):
    """Also when another machine was faster."""
    store = MemoryStore({KEY: BLOB})

    assert not CopiedStore(store, FolderStore(tmp_path)).create(KEY, BLOB)

    assert FolderStore(tmp_path).read(KEY) == BLOB


@pytest.mark.parametrize("half", [b"", BLOB[:5], b"something else"])
def test_a_damaged_copy_is_fetched_again(tmp_path: Path, half: bytes):
    """A machine that lost its power may have half a file; nobody believes it."""
    path = tmp_path / KEY
    path.parent.mkdir(parents=True)
    path.write_bytes(half)

    assert CopiedStore(MemoryStore({KEY: BLOB}), FolderStore(tmp_path)).read_blob(KEY) == BLOB
    assert path.read_bytes() == BLOB


def test_a_damaged_value_is_an_error(tmp_path: Path):
    """What the store gives is not what was asked for, and is not kept."""
    records = CopiedStore(MemoryStore({KEY: BLOB[:5]}), FolderStore(tmp_path))

    with pytest.raises(StateError, match=f"{KEY} is damaged"):
        records.read_blob(KEY)

    assert FolderStore(tmp_path).read(KEY) is None


def test_values_that_change_have_no_copies(tmp_path: Path):
    """They are read where they are each time."""
    records = CopiedStore(MemoryStore(), FolderStore(tmp_path))
    records.write("a", b"1")
    records.create("b", b"1")
    records.update("b", lambda _: b"2")

    assert (records.read("a"), records.read_blob("b")) == (b"1", b"2")
    assert list(FolderStore(tmp_path).keys("")) == []
    assert list(records.keys("")) == ["a", "b"]


def test_a_copy_that_cannot_be_kept_costs_time_only(tmp_path: Path):
    """The disk of a worker may be full or read-only."""
    (tmp_path / "file").write_text("")
    records = CopiedStore(MemoryStore({KEY: BLOB}), FolderStore(tmp_path / "file"))

    assert records.read_blob(KEY) == BLOB
