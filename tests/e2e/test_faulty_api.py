"""Commands over a connection to Airflow that breaks, stalls and lies."""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.embedded import Stack, make_repository
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.state import read_state, write_state
from servers.fake_airflow import Answer, answering

CONFIG = "one: {script: sleep 1}\ntwo: {stage: deploy, script: echo two}\n"

FAILURES = (
    Answer(0),
    Answer(500, {"detail": "database is locked"}),
    Answer(502, b"<html>bad gateway</html>", "text/html"),
    Answer(200, b"<html>starting</html>", "text/html"),
)


class Faulty:
    """Passes requests on to an Airflow, and fails every second one, before or after that."""

    def __init__(self, url: str):
        import httpx

        self.http = httpx.Client(base_url=url, timeout=120, trust_env=False)
        self.turns = itertools.count()
        self.headers: dict[str, str] = {}
        self.started = 0

    def __call__(self, method: str, path: str, body: Any) -> Answer:
        turn = next(self.turns)
        failure = FAILURES[turn // 4 % len(FAILURES)]
        if turn % 4 == 0:
            return failure
        given = {} if body is None else {"json": body}
        found = self.http.request(method, path, headers=self.headers, **given)
        if path == "/auth/token":
            self.headers = {"Authorization": f"Bearer {found.json()['access_token']}"}
        if path.endswith("/dagRuns") and found.is_success:
            self.started += 1
        if turn % 4 == 2:
            return failure  # it was done, and the answer is lost
        return Answer(found.status_code, found.content)


@contextmanager
def reached_through(stack: Stack, url: str, folder: Path) -> Iterator[Stack]:
    """Return the same stack in another folder, in which it has another address."""
    folder.mkdir()
    for name in ("airflow", "dags", "gitlab_ci", "objects", "logs", "job-logs", "cluster"):
        (folder / name).symlink_to(stack.home.path / name)
    state = read_state(stack.home)
    assert state is not None
    home = Home(folder)
    with home.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(str(os.getpid()))
        lock.flush()
        write_state(home, replace(state, url=url))
        yield replace(stack, home=home)


@pytest.mark.parametrize("end", ["true", "exit 3"])
def test_a_broken_connection_changes_no_result(stack: Stack, tmp_path: Path, end: str):
    """Requests that fail, before or after they were obeyed, are made again; one run is started."""
    config = f"{CONFIG}last: {{stage: deploy, needs: [two], script: '{end}'}}\n"
    repository = make_repository(tmp_path / tmp_path.name, {".gitlab-ci.yml": config})
    faulty = Faulty(stack.api.url)

    with answering(faulty) as url, reached_through(stack, url, tmp_path / "home") as through:
        report = through.run(repository)

    assert report["status"] == ("passed" if end == "true" else "failed")
    assert {job["status"] for job in report["jobs"].values()} <= {"success", "failed"}
    assert faulty.started == 1
    assert stack.api.run_state(report["dag_id"], report["run_id"]) == (
        "success" if end == "true" else "failed"
    )
