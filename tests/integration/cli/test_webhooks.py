"""`gitlab-dags webhooks` with a stand-in for GitLab."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.cli.main import main
from servers.gitlab.server import GitLab, gitlab_server

TOKEN = "glpat-0123456789"
SIGNING = f"whsec_{base64.b64encode(b'0123456789abcdef0123456789abcdef').decode()}"
PLACE = ["--conn-id", "gitlab_hooks", "--airflow-url", "https://airflow.example.com/"]
URL = "https://airflow.example.com/gitlab-webhooks/gitlab_hooks"


@pytest.fixture
def gitlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLab]:
    """Run a GitLab with a group and a project, and connect to it."""
    with gitlab_server(tmp_path) as running:
        running.world.add_token(TOKEN, levels={"group": 50})
        running.world.add_project("group/app", {"README": ""})
        connect(monkeypatch, running, {"webhook_signing_token": SIGNING})
        yield running


def connect(monkeypatch: pytest.MonkeyPatch, gitlab: GitLab, extra: dict[str, str]) -> None:
    connection = {"conn_type": "gitlab", "host": gitlab.url, "password": TOKEN, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_GITLAB_HOOKS", json.dumps(connection))


def hooks(gitlab: GitLab, path: str) -> list[dict[str, Any]]:
    found = gitlab.world.find_project(path) or gitlab.world.find_group(path)
    assert found is not None
    return found.things.get("hooks", [])


@pytest.mark.parametrize("path", ["group/app", "group"])
def test_a_webhook_is_installed_once(gitlab: GitLab, path: str, capsys: pytest.CaptureFixture[str]):
    """Of a project or a group; a second time changes what does not fit, and nothing of others."""
    other = {"id": 1000, "url": "https://elsewhere.example.com", "push_events": True}
    owner = gitlab.world.find_project(path) or gitlab.world.find_group(path)
    assert owner is not None
    owner.things["hooks"] = [dict(other)]

    assert main(["webhooks", "install", path, *PLACE]) == 0
    ours = hooks(gitlab, path)[1]
    ours |= {"push_events": False, "job_events": True}
    assert main(["webhooks", "install", path, *PLACE]) == 0

    assert hooks(gitlab, path)[0] == other
    assert [hook["url"] for hook in hooks(gitlab, path)[1:]] == [URL]
    assert (ours["push_events"], ours["tag_push_events"], ours["merge_requests_events"]) == (
        *(True, True, True),
    )
    assert (ours["job_events"], ours["signing_token"]) == (False, SIGNING)
    captured = capsys.readouterr()
    assert URL in captured.out
    assert SIGNING not in captured.out + captured.err


@pytest.mark.parametrize("why", ["a free GitLab", "a token of a maintainer"])
def test_without_webhooks_of_groups_each_project_has_one(
    gitlab: GitLab, why: str, capsys: pytest.CaptureFixture[str]
):
    """GitLab has them for groups with a licence, and for their owners."""
    gitlab.world.add_project("group/deep/lib", {"README": ""})
    gitlab.world.add_project("other/lib", {"README": ""})
    if why == "a free GitLab":
        gitlab.world.version = "19.5.0"
    else:
        gitlab.world.tokens[TOKEN].levels = {"group": 40}

    for _ in range(2):
        assert main(["webhooks", "install", "group", *PLACE]) == 0

    paths = ("group/app", "group/deep/lib", "other/lib")
    assert [[hook["url"] for hook in hooks(gitlab, path)] for path in paths] == [[URL], [URL], []]
    assert "Install them again for new projects" in capsys.readouterr().err
    assert main(["webhooks", "remove", "group", *PLACE]) == 0
    assert [hooks(gitlab, path) for path in paths] == [[], [], []]


def test_webhooks_are_listed_and_removed(gitlab: GitLab, capsys: pytest.CaptureFixture[str]):
    """Only those to an Airflow are listed, and only the one with the address is removed."""
    main(["webhooks", "install", "group/app", *PLACE])
    hooks(gitlab, "group/app").append({"id": 7, "url": "https://elsewhere.example.com"})
    capsys.readouterr()

    assert main(["webhooks", "list", "group/app", *PLACE[:2]]) == 0
    assert capsys.readouterr().out.count("webhook") == 2  # the word, and the address
    assert main(["webhooks", "remove", "group/app", *PLACE]) == 0
    assert [hook["id"] for hook in hooks(gitlab, "group/app")] == [7]
    assert main(["webhooks", "remove", "group/app", *PLACE]) == 0
    assert "no such webhook" in capsys.readouterr().err


def test_a_gitlab_that_does_not_sign_is_named(
    gitlab: GitLab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """An older one ignores signing tokens in silence; all its events would be refused."""
    gitlab.world.version = "18.2.0-ee"

    assert main(["webhooks", "install", "group/app", *PLACE]) == 1
    assert "does not sign" in capsys.readouterr().err
    connect(monkeypatch, gitlab, {"webhook_token": "a-long-secret-token"})
    assert main(["webhooks", "install", "group/app", *PLACE]) == 0
    assert hooks(gitlab, "group/app")[0]["token"] == "a-long-secret-token"


def test_without_a_secret_nothing_is_installed(
    gitlab: GitLab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The message has one that can be used."""
    connect(monkeypatch, gitlab, {})

    assert main(["webhooks", "install", "group/app", *PLACE]) == 1
    assert '{"webhook_signing_token": "whsec_' in capsys.readouterr().err
    assert hooks(gitlab, "group/app") == []


def test_who_may_not_is_told_so(gitlab: GitLab, capsys: pytest.CaptureFixture[str]):
    """GitLab's refusal is in words: of a project that is not there, and of a role."""
    assert main(["webhooks", "install", "group/none", *PLACE]) == 1
    assert "cannot find a project or group group/none" in capsys.readouterr().err
    gitlab.world.tokens[TOKEN].levels = {"group": 30}
    assert main(["webhooks", "install", "group/app", *PLACE]) == 1
    assert "needs a higher role" in capsys.readouterr().err
