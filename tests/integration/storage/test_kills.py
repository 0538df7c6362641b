"""kill -9 at random points of uploads and extractions, `make test-kills` for 200 of them.

A point is a number of bytes that the process has read and written: from its start to its end, in
the middle of packing, of a request, of a part and of a file.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitlab_ci_provider.storage.s3 import S3Store
from processes.keeping import is_empty, is_whole, keep, keeping, make_files, opened, progress
from processes.waiting import wait_until
from servers.s3 import S3Server, s3_server

pytestmark = pytest.mark.integration

ROUNDS = int(os.environ.get("GITLAB_CI_TESTS_KILLS", "10"))
ACTIONS = {
    "save": "restore",
    "stream": "restore",
    "upload": "download",
    "restore": "restore",
    "download": "download",
}
"""What is killed, and how its object is read afterwards; `stream` saves a cache in parts."""

SAVING = {"save", "stream", "upload"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    """A store with one state of both objects."""
    with s3_server(tmp_path / "s3") as running:
        make_files(tmp_path / "first", seed=0)
        for action in ("save", "upload"):
            keep(action, opened(tmp_path / "first", running))
        yield running


def killed_at(action: str, folder: Path, server: S3Server, point: int) -> int:
    """Kill a process when it has come so far; return how far it came."""
    process = keeping(action, folder, server)
    reached = 0

    def is_there() -> bool:
        nonlocal reached
        if process.poll() is None:
            try:
                reached = max(reached, progress(process.pid))
            except (OSError, ValueError):  # it ends right now
                return False
        return process.poll() is not None or reached >= point

    wait_until(is_there, f"{action} to come to {point} bytes", pause=0.0005)
    process.kill()
    process.wait()
    return reached


def give_up(server: S3Server) -> None:
    """Delete the parts of what was killed, as pruning does."""
    shelf = S3Store(server.target())
    for stored in list(shelf.unfinished("")):
        assert shelf.give_up(stored.key, stored.upload) == ""


def names(server: S3Server) -> list[str]:
    return sorted(path.name for path in server.bucket.rglob("*") if path.is_file())


@pytest.mark.parametrize("action", ACTIONS)
def test_what_can_be_read_is_whole(server: S3Server, tmp_path: Path, action: str):
    """Whatever was killed: the object is the old or the new one, nothing else is in the store.

    A working copy that was half unpacked is whole after the next restore.
    """
    chance = random.Random(action)
    before = names(server)
    folder = tmp_path / "job"
    end = 0
    for number in range(max(1, ROUNDS // len(ACTIONS)) + 1):
        shutil.rmtree(folder, ignore_errors=True)
        if action in SAVING:
            make_files(folder, seed=number)
        point = chance.randrange(end) if end else 10**12  # the first is not killed
        end = max(end, killed_at(action, folder, server, point))
        give_up(server)
        wait_until(lambda: names(server) == before, "the store to clean up")

        if action in SAVING:
            folder = tmp_path / "read"
            shutil.rmtree(folder, ignore_errors=True)
        keep(ACTIONS[action], opened(folder, server))
        assert not is_empty(folder)
        assert is_whole(folder), f"round {number}, killed at {point} of {end} bytes"
        folder = tmp_path / "job"
