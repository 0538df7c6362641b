"""The connection types `gitlab` and `gitlab_ci_s3`: how they are read, and their Test buttons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Connection

from gitlab_ci_provider.exceptions import GitlabApiError, SettingsError
from gitlab_ci_provider.hooks.gitlab import GitLabHook, server_of
from gitlab_ci_provider.hooks.object_store_hook import ObjectStoreHook
from servers.gitlab.faults import Fault
from servers.gitlab.server import GitLab, gitlab_server
from servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, s3_server

pytestmark = pytest.mark.integration

TOKEN = "glpat-of-the-connection"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLab]:
    """A GitLab, and the connection `here` to it."""
    with gitlab_server(tmp_path) as running:
        running.world.add_project("group/shop", {"a": "b"}, topics=("airflow",))
        running.world.add_project("group/deep/api", {"a": "b"})
        running.world.add_project("other/lib", {"a": "b"})
        running.world.add_token(TOKEN, levels={"group": 40})
        connect(monkeypatch, "here", "gitlab", host=running.url, password=TOKEN)
        yield running


def connect(monkeypatch: pytest.MonkeyPatch, conn_id: str, kind: str, **given: Any) -> None:
    value = json.dumps({"conn_type": kind, **given})
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", value)


def read(**given: Any) -> Connection:
    return Connection(conn_id="here", conn_type="gitlab", **given)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"host": "gitlab.example.com"}, "https://gitlab.example.com"),
        ({"host": "gitlab.example.com", "schema": "http"}, "http://gitlab.example.com"),
        ({"host": "gitlab.example.com", "port": 8443}, "https://gitlab.example.com:8443"),
        ({"host": "https://example.com/gitlab/", "port": 81}, "https://example.com:81/gitlab"),
        ({"host": "http://example.com:80/", "port": 81}, "http://example.com:80"),
    ],
)
def test_addresses_of_connections(given: dict[str, Any], url: str):
    """From the form, the command line or a URI: in one field or several."""
    assert server_of(read(**given)).url == url


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "'here' names no host"),
        ({"host": "x", "extra": '{"kind": "deploy"}'}, "kind is 'deploy', not one of"),
        ({"host": "x", "extra": '{"tls": "no"}'}, "tls is 'no', not one of 'verify', 'accept any"),
    ],
)
def test_a_wrong_connection_is_refused(given: dict[str, Any], words: str):
    """The message names the connection, the field and what it may be."""
    with pytest.raises(SettingsError, match=words):
        server_of(read(**given))


def test_projects_of_a_group_and_all(served: GitLab):
    """With those of subgroups; filters are GitLab's."""
    hook = GitLabHook("here")

    paths = [project.path_with_namespace for project in hook.projects("group")]
    topic = [project.path_with_namespace for project in hook.projects("group", topic="airflow")]
    every = [project.path_with_namespace for project in hook.projects()]

    assert paths == every == ["group/shop", "group/deep/api"]
    assert topic == ["group/shop"]
    assert any("pagination=keyset" in request for request in served.requests)


def test_failures_have_words_and_no_token(served: GitLab):
    """Neither the message nor what shows the hook holds the token."""
    served.faults.order(Fault(echo=True, status=400))
    hook = GitLabHook("here")

    with pytest.raises(GitlabApiError, match="cannot list the projects of group") as failed:
        list(hook.projects("group"))

    shown = [str(failed.value), repr(hook), repr(hook.server), repr(vars(failed.value))]
    assert not any(TOKEN in text for text in shown)


def test_the_test_button_says_who_the_token_is(served: GitLab):
    """And fails at once, in words, when GitLab does not answer."""
    good, said = GitLabHook("here").test_connection()
    served.faults.order(Fault(status=503, times=-1))
    bad, why = GitLabHook("here").test_connection()

    assert (good, bad) == (True, False)
    assert "personal token of robot. Scopes: api." in said
    assert why.endswith("has failed (503: 503 on order); look at its state, then try again")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A store, and what its connection says."""
    with s3_server(tmp_path / "s3") as running:
        url = running.target().endpoint_url
        extra = {"bucket": BUCKET, "endpoint_url": url, "prefix": "ci", "path_style": None}
        given = {"login": ACCESS_KEY, "password": SECRET_KEY, "extra": extra}
        connect(monkeypatch, "store", "gitlab_ci_s3", **given)
        yield given


def test_the_test_button_of_the_store_writes_and_reads(store: dict[str, Any], tmp_path: Path):
    """It leaves nothing behind."""
    good, said = ObjectStoreHook("store").test_connection()

    assert (good, said) == (
        True,
        f"s3://{BUCKET}/ci/ at {store['extra']['endpoint_url']}: written and read.",
    )
    assert [path for path in (tmp_path / "s3").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"password": "wrong-secret-key"}, "cannot"),
        ({"extra": {}}, "has no `bucket`"),
    ],
)
def test_the_test_button_of_the_store_says_what_is_wrong(
    store: dict[str, Any], monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], words: str
):
    """In words, without the keys."""
    connect(monkeypatch, "store", "gitlab_ci_s3", **{**store, **wrong})

    good, said = ObjectStoreHook("store").test_connection()

    assert not good
    assert words in said
    assert "wrong-secret-key" not in said
