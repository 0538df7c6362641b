"""The S3 store against a real server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.storage.base import MissingObjectError, StorageUnavailableError
from gitlab_ci_provider.storage.s3 import S3Store
from servers.s3 import S3Server, s3_server

pytestmark = pytest.mark.integration

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One server for all tests here; each uses a prefix of its own."""
    with s3_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def store(server: S3Server, request: pytest.FixtureRequest) -> S3Store:
    """A store with nothing below its prefix."""
    return S3Store(server.target(prefix=f"{request.node.name}/"))


@pytest.mark.parametrize("size", [0, 5, 100 * MIB])
def test_gets_what_was_put(store: S3Store, tmp_path: Path, size: int):
    """Large ones travel in parts and arrive the same."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(size))

    store.put("a/b", source)
    store.get("a/b", target)

    assert target.read_bytes() == source.read_bytes()
    assert store.head("a/b").size == size


def test_keys_lie_below_the_prefix(store: S3Store, server: S3Server, tmp_path: Path):
    """Several installations can share a bucket."""
    (tmp_path / "source").write_text("x")

    store.put("a", tmp_path / "source")

    assert (server.bucket / "test_keys_lie_below_the_prefix" / "a").exists()
    assert [info.key for info in store.list("")] == ["a"]


def test_a_missing_object_is_named(store: S3Store, tmp_path: Path):
    """And leaves no file behind."""
    with pytest.raises(MissingObjectError, match=r"s3://bucket/.*/a/none"):
        store.get("a/none", tmp_path / "got")

    assert store.head("a/none") is None
    assert list(tmp_path.iterdir()) == []


def test_lists_more_than_a_page(store: S3Store, tmp_path: Path):
    """In order, and only below the prefix that is asked for."""
    (tmp_path / "source").write_text("x")
    for number in range(3):
        store.put(f"p/{number}", tmp_path / "source")
    store.put("q", tmp_path / "source")

    assert [info.key for info in store.list("p/")] == ["p/0", "p/1", "p/2"]


def test_deletes(store: S3Store, tmp_path: Path):
    """An object that is not there is gone already."""
    (tmp_path / "source").write_text("x")
    store.put("a", tmp_path / "source")

    store.delete("a")
    store.delete("a")

    assert store.head("a") is None


def test_wrong_keys_are_refused_at_once(server: S3Server, tmp_path: Path):
    """Another attempt would not help, and the message does not hold the secret."""
    store = S3Store(server.target(secret_key="WRONGSECRET99"))
    (tmp_path / "source").write_text("x")

    with pytest.raises(StorageError, match="SignatureDoesNotMatch") as caught:
        store.put("a", tmp_path / "source")

    assert not isinstance(caught.value, StorageUnavailableError)
    assert "WRONGSECRET99" not in str(caught.value)


def test_a_server_that_is_down_is_named(tmp_path: Path):
    """The message says which object and which address."""
    store = S3Store(S3Server(root=tmp_path, port=9).target())
    (tmp_path / "source").write_text("x")

    with pytest.raises(StorageUnavailableError, match=r"s3://bucket/a at http://127.0.0.1:9: "):
        store.put("a", tmp_path / "source")


def test_a_local_file_that_is_missing_is_no_fault_of_the_store(store: S3Store, tmp_path: Path):
    """Errors of the disk stay what they are."""
    with pytest.raises(FileNotFoundError):
        store.put("a", tmp_path / "missing")
