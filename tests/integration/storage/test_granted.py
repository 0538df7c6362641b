"""The store as a job's pod sees it, against a real server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.local.stack.parts import remove_unfinished
from gitlab_ci_provider.model.plan import ArtifactUpload, CacheArchive, CacheRestore, JobPlan
from gitlab_ci_provider.planner.access import with_access
from gitlab_ci_provider.storage import granted
from gitlab_ci_provider.storage.base import MissingObjectError, StorageUnavailableError
from gitlab_ci_provider.storage.granted import GrantedStore
from gitlab_ci_provider.storage.s3 import S3Store
from gitlab_ci_provider.storage.signing import Period
from processes.waiting import wait_until
from servers.address import address
from servers.s3 import SECRET_KEY, S3Server, s3_server

pytestmark = pytest.mark.integration

MIB = 1024 * 1024
PLAN = JobPlan(
    job="job",
    project_dir="/p",
    restores=(CacheRestore(name="c", object_keys=("c/main", "c/none")),),
    archives=(CacheArchive(name="c", object_key="c/main", paths=("p",)),),
    uploads=(ArtifactUpload(name="a", object_key="a/b c+ü.zip", paths=("p",)),),
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    """An empty store."""
    with s3_server(tmp_path / "s3") as running:
        yield running


def granted_plan(server: S3Server, *, age: int = 0, seconds: int = 600) -> JobPlan:
    start = datetime.now(UTC) - timedelta(seconds=age)
    return with_access(PLAN, server.target("pre/"), Period(start=start, seconds=seconds))


def store(server: S3Server, **when: int) -> GrantedStore:
    plan = granted_plan(server, **when)
    assert plan.store is not None
    return GrantedStore(plan.store, plan.reads, plan.writes)


@pytest.mark.parametrize("size", [0, 5, 100 * MIB])
def test_gets_what_was_put(server: S3Server, tmp_path: Path, size: int):
    """Of any size; the object lies below the prefix."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(size))
    opened = store(server)

    opened.put("c/main", source)
    opened.get("c/main", target)

    assert target.read_bytes() == source.read_bytes()
    assert (server.bucket / "pre" / "c" / "main").stat().st_size == size


def test_the_file_has_the_time_of_the_object(server: S3Server, tmp_path: Path):
    """The helper tells from it whether a cache must be uploaded again."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x")
    opened = store(server)
    opened.put("c/main", source)
    os.utime(server.bucket / "pre" / "c" / "main", (1_700_000_000, 1_700_000_000))

    opened.get("c/main", target)

    assert target.stat().st_mtime == 1_700_000_000


def test_a_missing_object_is_named_and_leaves_no_file(server: S3Server, tmp_path: Path):
    """A cache may have none."""
    with pytest.raises(MissingObjectError, match=r"s3://bucket/pre/c/none.*NoSuchKey"):
        store(server).get("c/none", tmp_path / "got")

    assert [path.name for path in tmp_path.iterdir()] == ["s3"]


def test_nothing_else_can_be_reached(server: S3Server, tmp_path: Path):
    """Neither other objects, nor writing what may only be read; not even with the raw addresses."""
    import urllib3

    (tmp_path / "source").write_text("x")
    opened, plan, http = store(server), granted_plan(server), urllib3.PoolManager()
    opened.put("c/main", tmp_path / "source")
    read = next(one.url for one in plan.reads if one.object_key == "c/main")
    tried = [
        http.request("PUT", read, body=b"evil"),
        http.request("DELETE", read),
        http.request("GET", read.replace("c/main", "c/other")),
        http.request("GET", read.replace("/pre/c/main", "")),
        http.request("GET", read.partition("?")[0]),
        http.request("GET", read.replace("Expires=600", "Expires=604800")),
        http.request("DELETE", plan.writes[0].url),
        http.request("GET", plan.writes[0].url),
    ]

    assert {answer.status // 100 for answer in tried} == {4}
    assert (server.bucket / "pre" / "c" / "main").read_text() == "x"
    with pytest.raises(StorageError, match="does not allow access to s3://bucket/pre/c/none"):
        opened.put("c/none", tmp_path / "source")
    with pytest.raises(StorageError, match="does not allow access"):
        opened.get("a/b c+ü.zip", tmp_path / "got")
    assert SECRET_KEY not in str(plan)


def test_leave_ends_with_the_job(server: S3Server, tmp_path: Path):
    """An address that was copied is worth nothing later, and no error shows it."""
    (tmp_path / "source").write_text("x")
    store(server, age=30, seconds=60).put("c/main", tmp_path / "source")
    with pytest.raises(StorageError) as caught:
        store(server, age=120, seconds=60).get("c/main", tmp_path / "got")

    assert not isinstance(caught.value, StorageUnavailableError | MissingObjectError)
    assert "Amz" not in str(caught.value)
    assert "compare the clocks" in str(caught.value)


def test_a_server_that_is_away_can_be_tried_again(server: S3Server, tmp_path: Path):
    """Its address is named, the signed one is not."""
    (tmp_path / "source").write_text("x")
    server.kill()

    with pytest.raises(StorageUnavailableError, match=r"http://127.0.0.1:\d+: ") as caught:
        store(server).put("c/main", tmp_path / "source")

    assert "Amz" not in str(caught.value)


def test_an_answer_that_is_cut_short_is_no_object(server: S3Server, tmp_path: Path):
    """Half an archive would be taken for the whole."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

        thread = threading.Thread(target=answer)
        thread.start()
        target = replace(
            server.target(), endpoint_url=f"http://127.0.0.1:{listener.getsockname()[1]}"
        )
        plan = with_access(PLAN, target, Period(start=datetime.now(UTC), seconds=60))
        assert plan.store is not None
        with pytest.raises(StorageUnavailableError):
            GrantedStore(plan.store, plan.reads, ()).get("c/main", tmp_path / "got")
        thread.join()

    assert not (tmp_path / "got").exists()


def test_what_is_too_large_is_refused_before_it_is_sent(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """S3 takes 5 GiB in one request; it would say so only at the end."""
    monkeypatch.setattr(granted, "LARGEST", 3)
    (tmp_path / "source").write_text("1234")

    with pytest.raises(StorageError, match="4 bytes exceed the 5 GiB"):
        store(server).put("c/main", tmp_path / "source")


def uploading(server: S3Server, file: Path) -> subprocess.Popen[bytes]:
    """Upload a large file from another process; return when a good part of it is sent."""
    with file.open("wb") as new:
        new.truncate(2000 * MIB)
    plan = granted_plan(server)
    code = (
        "import sys, pathlib\n"
        "from gitlab_ci_provider.model.plan import Grant, StorePlace\n"
        "from gitlab_ci_provider.storage.granted import GrantedStore\n"
        f"grant = Grant(object_key='c/main', url={plan.writes[-1].url!r})\n"
        "store = GrantedStore(StorePlace(name='s3://bucket/'), (), (grant,))\n"
        f"store.put('c/main', pathlib.Path({str(file)!r}))\n"
    )
    assert plan.writes[-1].object_key == "c/main"
    writer = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    wait_until(lambda: _sent(writer.pid) > 50 * MIB or writer.poll() is not None, "an upload")
    return writer


def _names(server: S3Server) -> list[str]:
    return sorted(path.name for path in server.bucket.rglob("*"))


def test_a_writer_that_is_killed_changes_nothing(server: S3Server, tmp_path: Path):
    """By kill -9 in the middle of an upload: the old object stays, and no part is left."""
    opened, old = store(server), tmp_path / "old"
    old.write_bytes(os.urandom(MIB))
    opened.put("c/main", old)
    before = _names(server)
    writer = uploading(server, tmp_path / "new")
    writer.send_signal(signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    opened.get("c/main", tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == old.read_bytes()
    wait_until(lambda: _names(server) == before, "the store to clean up")


def test_a_store_that_is_killed_changes_nothing(server: S3Server, tmp_path: Path):
    """An incomplete upload is not an object; the embedded stack removes it before a start."""
    opened, old = store(server), tmp_path / "old"
    old.write_bytes(os.urandom(MIB))
    opened.put("c/main", old)
    before = _names(server)
    writer = uploading(server, tmp_path / "new")
    server.kill()
    assert writer.wait() == 1
    left = _names(server)

    remove_unfinished(server.root)
    server.start()
    opened.get("c/main", tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == old.read_bytes()
    assert len(left) == len(before) + 1
    assert _names(server) == before


def _sent(pid: int) -> int:
    """Count the bytes that a process has read, which it has sent by then, too."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        name, _, value = line.partition(": ")
        if name == "rchar":
            return int(value)
    return 0


@pytest.mark.parametrize("verb", ["fetch", "store"])
def test_a_transfer_may_have_a_time_limit(server: S3Server, tmp_path: Path, verb: str):
    """CACHE_REQUEST_TIMEOUT counts the whole request; other objects have no limit."""
    source = tmp_path / "source"
    source.write_bytes(b"x" * MIB)
    plan = granted_plan(server)
    assert plan.store is not None
    store(server).put("c/main", source)
    limited = GrantedStore(plan.store, plan.reads, plan.writes, {"c/main": 1e-9})

    transfer = limited.get if verb == "fetch" else limited.put
    file = tmp_path / "got" if verb == "fetch" else source
    with pytest.raises(StorageUnavailableError, match=f"cannot {verb} s3://bucket/pre/c") as met:
        transfer("c/main", file)

    assert "Timeout" in str(met.value) or "took longer than 1e-09 s" in str(met.value)
    assert not (tmp_path / "got").exists()
    limited.put("a/b c+ü.zip", source)


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Make a certificate that no system knows, and its key."""
    certificate, key = folder / "store.crt", folder / "store.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=store"]
    command += ["-addext", f"subjectAltName=IP:{address()}", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def test_a_store_with_certificates_of_its_own(tmp_path: Path):
    """`ca_bundle` names them, for jobs and for Airflow; without it, the message says so."""
    certificate, key = self_signed(tmp_path)
    (tmp_path / "source").write_text("x")
    with s3_server(tmp_path / "s3", (certificate, key)) as server:
        target = replace(server.target(), ca_bundle=str(certificate))
        plan = with_access(PLAN, target, Period(start=datetime.now(UTC), seconds=600))
        assert plan.store is not None
        knowing = GrantedStore(plan.store, plan.reads, plan.writes)
        unknowing = GrantedStore(replace(plan.store, ca_bundle=""), plan.reads, plan.writes)

        knowing.put("c/main", tmp_path / "source")
        with pytest.raises(StorageUnavailableError, match="in `ca_bundle` of the connection"):
            unknowing.put("c/main", tmp_path / "source")

        assert S3Store(target).read("c/main", 0, 9) == b"x"
