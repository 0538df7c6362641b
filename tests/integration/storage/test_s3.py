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


@pytest.mark.parametrize("size", [0, 5, 100 * MIB])
def test_gets_what_is_stored(server: S3Server, tmp_path: Path, size: int):
    """Large objects travel in parts and arrive the same."""
    data = os.urandom(size)
    server.put(f"sizes/{size}", data)

    S3Store(server.target()).get(f"sizes/{size}", tmp_path / "target")

    assert (tmp_path / "target").read_bytes() == data


def test_keys_lie_below_the_prefix(server: S3Server, tmp_path: Path):
    """Several installations can share a bucket."""
    server.put("below/a", b"x")

    S3Store(server.target(prefix="below/")).get("a", tmp_path / "target")

    assert (tmp_path / "target").read_bytes() == b"x"


def test_a_missing_object_is_named(server: S3Server, tmp_path: Path):
    """And leaves no file behind."""
    with pytest.raises(MissingObjectError, match=r"s3://bucket/a/none"):
        S3Store(server.target()).get("a/none", tmp_path / "got")

    assert list(tmp_path.iterdir()) == []


def test_wrong_keys_are_refused_at_once(server: S3Server, tmp_path: Path):
    """Another attempt would not help, and the message does not hold the secret."""
    server.put("a", b"x")
    store = S3Store(server.target(secret_key="WRONGSECRET99"))

    with pytest.raises(StorageError) as caught:
        store.get("a", tmp_path / "target")

    assert not isinstance(caught.value, StorageUnavailableError)
    assert "WRONGSECRET99" not in str(caught.value)


def test_a_server_that_is_down_is_named(tmp_path: Path):
    """The message says which object and which address."""
    store = S3Store(S3Server(root=tmp_path, port=9).target())

    with pytest.raises(StorageUnavailableError, match=r"s3://bucket/a at http://127.0.0.1:9: "):
        store.get("a", tmp_path / "target")


def test_a_local_disk_that_fails_is_no_fault_of_the_store(server: S3Server, tmp_path: Path):
    """Errors of the disk stay what they are."""
    server.put("a", b"x")

    with pytest.raises(FileNotFoundError):
        S3Store(server.target()).get("a", tmp_path / "missing" / "target")
