"""Large objects, fetched in parts from a real server and from one that is told what to answer."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.plan import CacheArchive, CacheRestore, JobPlan
from gitlab_ci_provider.planner.access import with_access
from gitlab_ci_provider.storage.base import StorageUnavailableError
from gitlab_ci_provider.storage.granted import GrantedStore
from gitlab_ci_provider.storage.parts import AT_ONCE, PART
from gitlab_ci_provider.storage.signing import Period
from servers.s3_servers import SERVERS

pytestmark = pytest.mark.integration

PLAN = JobPlan(
    job="job",
    project_dir="/p",
    restores=(CacheRestore(name="c", object_keys=("c",)),),
    archives=(CacheArchive(name="c", object_key="c", paths=("p",)),),
)


def opened(target: StoreTarget) -> GrantedStore:
    plan = with_access(PLAN, target, Period(start=datetime.now(UTC), seconds=600))
    assert plan.store is not None
    return GrantedStore(plan.store, plan.reads, plan.writes)


class Scripted(ThreadingHTTPServer):
    """Serves one object by ranges, as badly as a test wants it."""

    daemon_threads = True

    def __init__(self, data: bytes):
        super().__init__(("127.0.0.1", 0), _Answer)
        self.data = data
        self.versions: list[str] = []
        self.ranges = True
        self.compares = True
        self.short = False
        self.asked: list[str] = []
        self.together = threading.Barrier(1)

    def target(self) -> StoreTarget:
        return StoreTarget(bucket="b", endpoint_url=f"http://127.0.0.1:{self.server_port}")


class _Answer(BaseHTTPRequestHandler):
    server: Scripted

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers.get("Range", "")
        server.asked.append(wanted)
        version = server.versions.pop(0) if server.versions else '"1"'
        if server.compares and self.headers.get("If-Match", version) != version:
            self.send_error(412)
            return
        begin, end, total = 0, len(server.data), len(server.data)
        ranged = bool(server.ranges and wanted)
        if ranged:
            first, last = wanted.removeprefix("bytes=").split("-")
            begin, end = int(first), min(total, int(last) + 1)
        if begin:
            server.together.wait(60)
        self.send_response(206 if ranged else 200)
        if version:
            self.send_header("ETag", version)
        if ranged:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{total}")
        body = server.data[begin:end]
        if server.short and begin:
            body = body[:-1]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def scripted(data: bytes) -> Iterator[Scripted]:
    server = Scripted(data)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


DATA = os.urandom(4096) * (PART * (AT_ONCE + 1) // 4096) + b"the end"


@pytest.fixture(scope="module", params=["rclone", "seaweedfs"])
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreTarget]:
    """A real server that does not compare versions, and one that does."""
    with SERVERS[request.param](tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, len(DATA)])
def test_every_size_is_fetched(tmp_path: Path, target: StoreTarget, size: int):
    """From a real server."""
    (tmp_path / "source").write_bytes(DATA[:size])
    store = opened(target)
    store.put("c", tmp_path / "source")
    store.get("c", tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == DATA[:size]


def test_parts_are_fetched_at_the_same_time(tmp_path: Path):
    """The server answers the parts after the first only when four of them are asked for."""
    with scripted(DATA[: PART * (AT_ONCE + 1)]) as server:
        server.together = threading.Barrier(AT_ONCE)
        opened(server.target()).get("c", tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == DATA[: PART * (AT_ONCE + 1)]
    assert len(server.asked) == 1 + len(["does it compare versions?"]) + AT_ONCE


def test_a_small_object_is_one_request(tmp_path: Path):
    """Most caches are small."""
    with scripted(b"small") as server:
        opened(server.target()).get("c", tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == b"small"
    assert len(server.asked) == 1


@pytest.mark.parametrize("version", ["", 'W/"1"'])
def test_versions_that_cannot_be_compared(tmp_path: Path, version: str):
    """Such an object is fetched in one request."""
    with scripted(DATA) as server:
        server.versions = [version] * 2
        opened(server.target()).get("c", tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == DATA
    assert server.asked[1:] == [""]


def test_a_server_that_ignores_if_match(tmp_path: Path):
    """It may send new bytes under the old ETag, so that the object is fetched in one request."""
    with scripted(DATA) as server:
        server.compares = False
        opened(server.target()).get("c", tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == DATA
    assert server.asked[2:] == [""]


def test_a_server_without_ranges(tmp_path: Path):
    """Its first answer is the whole object."""
    with scripted(DATA) as server:
        server.ranges = False
        opened(server.target()).get("c", tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == DATA
    assert len(server.asked) == 1


def test_versions_are_never_mixed(tmp_path: Path):
    """Another job may save the cache meanwhile; the helper then tries again."""
    with scripted(DATA) as server:
        server.versions = ['"1"', '"1"', '"2"']
        with pytest.raises(StorageUnavailableError, match=r"c at http.*was replaced while") as met:
            opened(server.target()).get("c", tmp_path / "got")

    assert "Amz" not in str(met.value)
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_is_too_short_is_no_part(tmp_path: Path):
    """A hole in an archive would look like zeros."""
    with scripted(DATA) as server:
        server.short = True
        with pytest.raises(StorageUnavailableError, match="a part ended after"):
            opened(server.target()).get("c", tmp_path / "got")

    assert list(tmp_path.iterdir()) == []
