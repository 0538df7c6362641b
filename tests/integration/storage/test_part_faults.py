"""A store that fails in any request of an upload in parts: the job ends, with a whole object."""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gitlab_ci_provider.helper.phases.archive_cache import archive_caches
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.plan import CacheArchive, JobPlan
from gitlab_ci_provider.planner.access import Begun, with_access, with_parts
from gitlab_ci_provider.storage import granted, multipart
from gitlab_ci_provider.storage.archive import unpack
from gitlab_ci_provider.storage.granted import GrantedStore
from gitlab_ci_provider.storage.signing import Period
from processes.phases import make_context

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

ARCHIVES = (CacheArchive(name="c", object_key="c.tar.zst", paths=("data",)),)
PLAN = JobPlan(job="job", project_dir="/p", archives=ARCHIVES)
FAULTS = ("deaf", "reset", "stall", "busy", "cut")
ALWAYS = 99


class Uploads(ThreadingHTTPServer):
    """Takes one object, at once or in parts, and fails where a test wants it.

    Attributes:
        where: the number of a part, `complete`, or `every` request of the upload.
        left: how often it fails there.
        awake: set when the test is over; until then, it stalls.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.parts: dict[int, bytes] = {}
        self.object = b""
        self.fault = self.where = ""
        self.left = 0
        self.awake = threading.Event()

    def store(self) -> GrantedStore:
        """Open it as a pod does, with an upload that has begun."""
        url = f"http://127.0.0.1:{self.server_port}"
        target = StoreTarget(bucket="b", endpoint_url=url, access_key="a", secret_key="s")
        period = Period(start=datetime.now(UTC), seconds=600)
        begun = {ARCHIVES[0].object_key: Begun(target, "u")}
        plan = with_parts(with_access(PLAN, target, period), begun, period)
        assert plan.store is not None
        return GrantedStore(plan.store, plan.reads, plan.writes, parted=plan.parted)

    def fails(self, request: str) -> bool:
        """Tell whether a request fails, and count it."""
        if self.left and self.where in {request, "every"}:
            self.left -= 1
            return True
        return False


class _Answer(BaseHTTPRequestHandler):
    server: Uploads
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        number = asked.get("partNumber", ["whole"])[0]
        if number != "whole" and self.server.fails(number):
            self._fail()
        elif number == "whole":
            self.server.object = self._body()
            self._answer(200)
        else:
            self.server.parts[int(number)] = self._body()
            self._answer(200)

    def do_POST(self) -> None:
        if self.server.fails("complete"):
            self._fail()
            return
        self._body()
        self.server.object = b"".join(self.server.parts[n] for n in sorted(self.server.parts))
        self._answer(200, b"<CompleteMultipartUploadResult/>")

    def do_DELETE(self) -> None:
        if self.server.fails("abort"):
            self._fail()
            return
        self.server.parts.clear()
        self._answer(204)

    def _fail(self) -> None:
        fault = self.server.fault
        if fault != "deaf":
            self._body()
        if fault == "busy":
            self._answer(503)
        elif fault == "stall":
            self.server.awake.wait()
        elif fault == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Le")
        else:
            self._reset()
        self.close_connection = True

    def _reset(self) -> None:
        at_once = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("ETag", '"tag"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Uploads]:
    """A server; parts are small, and nobody waits for it for long."""
    monkeypatch.setattr(multipart, "PART", 64 * 1024)
    monkeypatch.setattr(granted, "_PATIENCE", 0.5)
    monkeypatch.setattr(granted, "_PART_PATIENCE", 0.5)
    running = Uploads()
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.awake.set()
    running.shutdown()
    thread.join()
    running.server_close()


def save(server: Uploads, folder: Path) -> bytes:
    """Save a cache of several parts, as the helper does; return what is in it."""
    data = os.urandom(300_000)
    context = make_context(folder, store=server.store(), archives=ARCHIVES)
    (context.project_dir / "data").write_bytes(data)
    archive_caches(context, ARCHIVES)
    return data


def stored(server: Uploads, folder: Path) -> bytes:
    """Unpack what the server has."""
    (folder / "c.tar.zst").write_bytes(server.object)
    unpack(folder / "c.tar.zst", folder / "to")
    return (folder / "to" / "data").read_bytes()


def threads_of_parts() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("part")]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("where", ["1", "3", "5", "complete"])
def test_a_request_that_fails_once_is_sent_again(
    server: Uploads,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    where: str,
    fault: str,
):
    """The archive is not packed again for it, and no log shows a signature."""
    caplog.set_level(logging.DEBUG)
    server.where, server.fault, server.left = where, fault, 1

    data = save(server, tmp_path)

    said = capfd.readouterr()
    assert stored(server, tmp_path) == data
    assert "packed again" not in said.out
    assert "X-Amz" not in f"{said}{caplog.text}"
    assert threads_of_parts() == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("where", ["1", "3", "5", "complete", "every"])
def test_an_upload_that_cannot_go_on_is_given_up(
    server: Uploads,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    where: str,
    fault: str,
):
    """The archive goes by one request; no thread waits for the store, not even to give it up."""
    server.where, server.fault, server.left = where, fault, ALWAYS

    data = save(server, tmp_path)

    said = capfd.readouterr()
    assert stored(server, tmp_path) == data
    assert "packed again, to a file" in said.out
    assert "X-Amz" not in f"{said}{caplog.text}"
    assert threads_of_parts() == []
    if where != "every":
        assert server.parts == {}
