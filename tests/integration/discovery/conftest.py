"""What tests of discovery share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.discovery.served import JOB, TOKEN, Served
from servers.gitlab.server import gitlab_server


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Two projects in nested groups, and one of another group."""
    with gitlab_server(tmp_path / "gitlab") as running:
        world = running.world
        for path in ("group/a", "group/sub/deep/b", "closed/c"):
            world.add_project(path, {".gitlab-ci.yml": JOB})
        scopes = ("read_api", "read_repository")
        world.add_token(TOKEN, levels={"group": 20}, scopes=scopes)
        connection = {"conn_type": "gitlab", "host": running.url, "password": TOKEN}
        monkeypatch.setenv("AIRFLOW_CONN_GITLAB_DEFAULT", json.dumps(connection))
        yield Served(running, tmp_path / "home")
