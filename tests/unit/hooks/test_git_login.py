"""Logins of git servers in Airflow connections."""

from __future__ import annotations

import json

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.git_login import git_login, gitlab_of

IDS = "gitlab_ci_git, other_git"


def connect(monkeypatch: pytest.MonkeyPatch, conn_id: str, **given: object) -> None:
    value = json.dumps({"conn_type": "generic", **given})
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", value)


@pytest.mark.parametrize("host", ["git.example.com", "https://git.example.com/"])
def test_the_connection_of_the_server_is_taken(monkeypatch: pytest.MonkeyPatch, host: str):
    """Of several, by host; a token needs no user."""
    connect(monkeypatch, "gitlab_ci_git", host="elsewhere.example.com", password="not this")
    connect(monkeypatch, "other_git", host=host, password="the token")

    login = git_login("https://git.example.com/group/project.git", IDS)

    assert login is not None
    assert (login.username, login.password) == ("oauth2", "the token")


def test_a_job_token_has_its_own_user(monkeypatch: pytest.MonkeyPatch):
    """GitLab takes it with no other name."""
    extra = {"kind": "job"}
    connect(monkeypatch, "gitlab_ci_git", conn_type="gitlab", host="h", password="t", extra=extra)

    login = git_login("https://h/p.git", IDS)

    assert login is not None
    assert login.username == "gitlab-ci-token"


def test_a_user_may_be_named(monkeypatch: pytest.MonkeyPatch):
    """Deploy tokens have one, and so have other git servers."""
    connect(monkeypatch, "gitlab_ci_git", host="http://h:8080", login="me", password="p")

    login = git_login("http://h:8080/p.git", IDS)

    assert login is not None
    assert login.username == "me"


def test_a_connection_that_reads_by_the_api_is_the_last_login(monkeypatch: pytest.MonkeyPatch):
    """Its token may be none for git; where there is no other, it is tried."""
    extra = {"repositories": "api"}
    connect(monkeypatch, "gitlab_ci_git", conn_type="gitlab", host="h", password="a", extra=extra)
    alone = git_login("https://h/p.git", IDS)
    connect(monkeypatch, "other_git", host="h", login="deploy", password="b")

    found = git_login("https://h/p.git", IDS)

    assert [login.password for login in (alone, found) if login] == ["a", "b"]


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com.evil.org/p.git",
        "https://evil.org/git.example.com/p.git",
        "http://git.example.com/p.git",
        "https://git.example.com:8443/p.git",
        "ssh://git@git.example.com/p.git",
        "file:///srv/p.git",
        "git@git.example.com:p.git",
    ],
)
def test_no_other_server_gets_it(monkeypatch: pytest.MonkeyPatch, url: str):
    """Another host, port or scheme is another server; without `http://`, https is meant."""
    connect(monkeypatch, "gitlab_ci_git", host="git.example.com", password="the token")

    assert git_login(url, IDS) is None


def test_a_connection_without_host_is_refused(monkeypatch: pytest.MonkeyPatch):
    """Its token would go to whatever server somebody adds a repository of."""
    connect(monkeypatch, "gitlab_ci_git", password="the token")

    with pytest.raises(SettingsError, match="'gitlab_ci_git' names no host"):
        git_login("https://git.example.com/p.git", IDS)


def test_no_connection_is_no_login():
    """Public repositories need none."""
    assert git_login("https://git.example.com/p.git", IDS) is None


def test_the_gitlab_of_a_repository_has_a_connection_of_its_type(monkeypatch: pytest.MonkeyPatch):
    """Another type is a login for git alone; another server's token is not taken."""
    connect(monkeypatch, "gitlab_ci_git", host="git.example.com", password="generic")
    assert gitlab_of("https://git.example.com/p.git", IDS) is None

    connect(monkeypatch, "other_git", conn_type="gitlab", host="git.example.com", password="t")
    found = gitlab_of("https://git.example.com/p.git", IDS)

    assert found is not None
    assert (found.url, found.token) == ("https://git.example.com", "t")
    assert gitlab_of("https://elsewhere.example.com/p.git", IDS) is None
