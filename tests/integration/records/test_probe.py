"""Stores are tried before they get the state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.records.folder import FolderStore
from gitlab_ci_provider.records.probe import check, check_once
from gitlab_ci_provider.storage.base import StorageUnavailableError
from gitlab_ci_provider.storage.conditional import ConditionalObjects, RefusedKeysError
from servers.s3 import S3Server, s3_server
from servers.seaweed import Seaweed

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """The store of the embedded stack."""
    with s3_server(tmp_path_factory.mktemp("rclone")) as running:
        yield running


def test_a_store_that_honours_conditions_is_taken(server: Seaweed):
    """Nothing is left behind but the word that it was tried."""
    objects = ConditionalObjects(server.target())

    check(objects)

    assert [found for found in objects.page("", "", 10) if found.size] == []


def test_a_store_that_ignores_conditions_is_refused(rclone: S3Server, tmp_path: Path):
    """`rclone serve s3` says yes to everything: the message says what is wrong and what to do."""
    objects = ConditionalObjects(rclone.target(prefix="state/"))

    for _ in range(2):
        with pytest.raises(StateError) as refused:
            check_once(objects, FolderStore(tmp_path))
        assert "s3://bucket/state/ cannot have the state" in str(refused.value)
        assert "ignores `If-None-Match: *`" in str(refused.value)
        assert "AWS S3, MinIO, Ceph or SeaweedFS" in str(refused.value)


def test_a_store_is_tried_once_for_all_machines(server: Seaweed, tmp_path: Path):
    """A machine that has not heard asks the store; later its own word is enough."""
    target = server.target()
    check_once(ConditionalObjects(target), FolderStore(tmp_path / "one"))
    asked: list[str] = []

    class Counted(ConditionalObjects):
        def _ask(self, method: Any, key: str, **sent: Any) -> Any:
            asked.append(f"{method} {key}")
            return super()._ask(method, key, **sent)

    for _ in range(2):
        check_once(Counted(target), FolderStore(tmp_path / "two"))

    assert asked == ["GET probe/honours-conditions"]


def test_a_store_that_is_away_is_not_judged(server: Seaweed, tmp_path: Path):
    """It is tried again later: nothing is remembered."""
    target = server.target()
    away = ConditionalObjects(S3Server(root=tmp_path, port=9).target())

    with pytest.raises(StorageUnavailableError):
        check_once(away, FolderStore(tmp_path / "copies"))
    wrong = ConditionalObjects(server.target(prefix=target.prefix, secret_key="wrong"))
    with pytest.raises(RefusedKeysError):
        check_once(wrong, FolderStore(tmp_path / "copies"))

    assert list(FolderStore(tmp_path / "copies").keys("")) == []
