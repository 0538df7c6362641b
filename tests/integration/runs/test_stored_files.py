"""Operators of hand-written DAGs that keep caches and artifacts, with a real object store."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.hooks.object_store import put_file as put
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.operators.artifact_prune import ArtifactPruneOperator
from gitlab_ci_provider.operators.stored_files import (
    ArtifactDownloadOperator,
    ArtifactUploadOperator,
    S3CacheRestoreOperator,
    S3CacheSaveOperator,
)
from gitlab_ci_provider.runs import stored_files
from gitlab_ci_provider.runs.task_errors import TaskFailed, TaskFailedForNow
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from gitlab_ci_provider.storage.index import decode_index
from gitlab_ci_provider.storage.keys import task_artifacts_key, task_cache_key
from gitlab_ci_provider.storage.s3 import S3Store, _Parts
from servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server, s3_server

RUN = "manual__2026-01-01T00:00:00+00:00"

pytestmark = pytest.mark.integration


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    monkeypatch.setenv("AIRFLOW__GITLAB_CI__HOME", str(tmp_path / "home"))
    with s3_server(tmp_path / "s3") as running:
        connection = {
            "conn_type": "aws",
            "login": ACCESS_KEY,
            "password": SECRET_KEY,
            "extra": {"bucket": BUCKET, "endpoint_url": running.target().endpoint_url},
        }
        monkeypatch.setenv("AIRFLOW_CONN_GITLAB_CI_OBJECT_STORE", json.dumps(connection))
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what a task has made."""
    made = tmp_path / "work"
    (made / "dist").mkdir(parents=True)
    (made / "dist" / "app").write_text("app")
    (made / "dist" / "app.map").write_text("map")
    (made / "dist" / "app").chmod(0o755)
    return made


def context(**left: Any) -> Any:
    """Make the context of a task; `left` are the XComs of others."""
    ti = SimpleNamespace(
        dag_id="dag",
        run_id=RUN,
        task_id="task",
        map_index=-1,
        try_number=1,
        xcom_pull=lambda **asked: left.get(asked["task_ids"]),
    )
    events: dict[Asset, Any] = {}
    return {"ti": ti, "outlet_events": events}


def test_a_saved_cache_is_restored(server: S3Server, folder: Path, tmp_path: Path):
    """With its permissions, by its own key or a fallback."""
    given = {"task_id": "save", "key": "k/1", "scope": "s", "path": str(folder)}
    saved = S3CacheSaveOperator(paths=["dist/"], **given).execute(context())
    into: dict[str, Any] = {"scope": "s", "path": str(tmp_path / "new")}

    hit = S3CacheRestoreOperator(task_id="a", key="k/2", fallback_keys=["k/1"], **into)
    miss = S3CacheRestoreOperator(task_id="b", key="k/3", **into)

    assert (saved["key"], saved["files"]) == ("k/1", 3)
    assert hit.execute(context()) == {"hit": True, "key": "k/1", "bytes": saved["bytes"]}
    assert miss.execute(context()) == {"hit": False, "key": None, "bytes": 0}
    assert (tmp_path / "new" / "dist" / "app").stat().st_mode & 0o777 == 0o755


def test_a_miss_fails_where_that_is_wanted(server: S3Server, tmp_path: Path):
    """In words, with the keys."""
    operator = S3CacheRestoreOperator(
        task_id="a", key="k", scope="s", path=str(tmp_path), fail_on_miss=True
    )

    with pytest.raises(TaskFailed, match="there is no cache k"):
        operator.execute(context())


def test_a_broken_cache_is_said_in_words(server: S3Server, tmp_path: Path):
    """The task fails: a half of a cache is not a cache."""
    server.put(task_cache_key("s", "k"), b"broken")
    operator = S3CacheRestoreOperator(task_id="a", key="k", scope="s", path=str(tmp_path / "x"))

    with pytest.raises(TaskFailed):
        operator.execute(context())


def test_artifacts_reach_another_task(server: S3Server, folder: Path, tmp_path: Path):
    """What is excluded does not; the assets say what was made."""
    asset = Asset("app")
    upload = ArtifactUploadOperator(
        task_id="up", path=str(folder), paths=["dist/*"], exclude=["**/*.map"], outlets=[asset]
    )
    ours = context()
    ours["outlet_events"][asset] = SimpleNamespace(extra={})

    left = upload.execute(ours)
    download = ArtifactDownloadOperator(
        task_id="down", from_task_ids=["up"], path=str(tmp_path / "new")
    )

    assert download.execute(context(up=left)) == ["up"]
    files = [path.name for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert (files, left["files"]) == (["app"], 1)
    assert ours["outlet_events"][asset].extra == left


def test_replaced_artifacts_fail_the_task(server: S3Server, folder: Path, tmp_path: Path):
    """The checksum is in what the task before has returned."""
    left = ArtifactUploadOperator(task_id="up", path=str(folder), paths=["dist/"]).execute(
        context()
    )
    (folder / "dist" / "app").write_text("another app")
    ArtifactUploadOperator(task_id="up", path=str(folder), paths=["dist/"]).execute(context())
    download = ArtifactDownloadOperator(task_id="d", from_task_ids=["up"], path=str(tmp_path / "x"))

    with pytest.raises(TaskFailed, match="its checksum does not match"):
        download.execute(context(up=left))


def large(folder: Path) -> bytes:
    """Write a file that does not fit into a part."""
    data = random.Random(7).randbytes(40 * 1024 * 1024)
    (folder / "dist" / "app").write_bytes(data)
    return data


def test_a_large_archive_is_stored_in_parts(
    server: S3Server, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """While it is packed: no file holds it, and there is no limit to its size."""
    data = large(folder)
    upload = ArtifactUploadOperator(task_id="up", path=str(folder), paths=["dist/app"])
    files: list[str] = []

    def put_file(target: StoreTarget, key: str, path: Path) -> None:
        files.append(key)
        put(target, key, path)

    monkeypatch.setattr(stored_files, "put_file", put_file)
    left = upload.execute(context())

    assert left["size"] > len(data)
    assert files == [f"{left['object_key']}.index.json"]
    assert list(S3Store(server.target()).unfinished("")) == []
    download = ArtifactDownloadOperator(task_id="d", from_task_ids=["up"], path=str(tmp_path / "x"))
    download.execute(context(up=left))
    assert (tmp_path / "x" / "dist" / "app").read_bytes() == data


def test_a_store_without_uploads_in_parts_gets_a_file(
    server: S3Server,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    """Some refuse to begin one, or do not let these keys: the log says so, and the task goes on."""

    def refuse(*_: object) -> None:
        raise StorageError("NotImplemented")

    monkeypatch.setattr(_Parts, "begin", refuse)
    large(folder)
    upload = ArtifactUploadOperator(task_id="up", path=str(folder), paths=["dist/app"])

    left = upload.execute(context())

    assert (server.bucket / left["object_key"]).stat().st_size == left["size"]
    assert "NotImplemented; it is packed again, to a file" in caplog.text


def test_no_files_is_a_failure(server: S3Server, folder: Path):
    """Green means done: a task that was to keep files has kept some."""
    upload = ArtifactUploadOperator(task_id="up", path=str(folder), paths=["none/"])

    with pytest.raises(TaskFailed, match=r"no file in .* matches none/"):
        upload.execute(context())


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (None, "has left no artifacts"),
        ({"object_key": task_artifacts_key("dag", RUN, "t", 1)}, "are gone"),
        ({"object_key": task_artifacts_key("dag", "other", "t", 1)}, "of another run"),
    ],
)
def test_artifacts_that_are_not_there_are_named(
    server: S3Server, tmp_path: Path, left: Any, words: str
):
    """With the task that should have left them."""
    download = ArtifactDownloadOperator(task_id="d", from_task_ids=["up"], path=str(tmp_path))

    with pytest.raises(TaskFailed, match=words):
        download.execute(context(up=left))


def test_a_store_that_is_down_is_tried_again_by_airflow(server: S3Server, folder: Path):
    """The task fails for now, and Airflow's retries count."""
    server.kill()
    upload = ArtifactUploadOperator(task_id="up", path=str(folder), paths=["dist/"])

    with pytest.raises(TaskFailedForNow, match="cannot store"):
        upload.execute(context())


def test_their_artifacts_expire_like_those_of_jobs(server: S3Server, folder: Path, tmp_path: Path):
    """The index says when; in the day after their last use, they stay."""
    upload = ArtifactUploadOperator(
        task_id="up", path=str(folder), paths=["dist/"], expire_in=1, name="app"
    )
    left = upload.execute(context())
    index = server.bucket / f"{left['object_key']}.index.json"
    made = decode_index(index.read_bytes())
    assert (made.name, made.expire_at) == ("app", made.created + 1)
    # As if it had expired long ago, and been used then.
    past = index.read_bytes().replace(str(made.expire_at).encode(), b"2")
    server.put(f"{left['object_key']}.index.json", past)

    kept = ArtifactPruneOperator(task_id="prune").execute({})
    assert kept["kept"] == {"used in the last day": 1}
    uses = open_state(Settings(home=tmp_path / "home")).uses
    uses.drop_cache(left["object_key"], float("inf"))

    assert ArtifactPruneOperator(task_id="prune").execute({})["deleted"] == {"artifacts": 1}
    assert not index.exists()
