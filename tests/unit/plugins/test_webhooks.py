"""What the addresses of the API server know of projects."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from factories import PROJECT, make_dag_record
from gitlab_ci_provider.hooks.trigger_tokens import KeptTokens
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.plugins.webhooks import WebhookReception
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from stores import save_dag

TOKEN = "0123456789abcdef"


@pytest.fixture
def reception(tmp_path: Path) -> WebhookReception:
    """Two projects with the same token, of which GitLab's number is known; and one without."""
    settings = Settings(home=tmp_path)
    for path, number in (("g/first", 7), ("g/second", 8), ("g/plain", 0)):
        project = replace(PROJECT, path=path, id=number)
        record = replace(make_dag_record(), dag_id=dag_id(path), project=project)
        save_dag(open_state(settings).snapshots, record)
    bot = {"bot": hashlib.sha256(TOKEN.encode()).hexdigest()}
    tokens = KeptTokens(lambda: dict.fromkeys(("g/second", "g/plain", "g/gone"), bot))
    return WebhookReception(settings=lambda: settings, tokens=tokens)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("g/second", "g/second"),
        ("8", "g/second"),
        ("g/plain", "g/plain"),
        *((name, None) for name in ("7", "g/first", "g/gone", "0", "", "08", "g__second")),
    ],
)
def test_a_project_is_found_by_path_or_number(
    reception: WebhookReception, name: str, path: str | None
):
    """With its own token only."""
    found = reception.project(name, TOKEN)

    assert (found.path if found else None) == path
    assert reception.project(name, "wrong") is None
