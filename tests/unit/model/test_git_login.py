"""Logging in at git servers."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model.git_login import (
    GitLogin,
    configuration,
    login_environment,
    split_login,
)

LOGIN = GitLogin(username="user", password="secret")


@pytest.mark.parametrize("url", ["file:///srv/p.git", "ssh://git@example.com/p", "git@host:p"])
def test_logins_are_for_http(url: str):
    """Other ways have their own."""
    assert login_environment(url, LOGIN) == {}
    assert split_login(url) == (url, None)


@pytest.mark.parametrize("login", [None, GitLogin(password="")])
def test_no_password_no_login(login: GitLogin | None):
    """A public repository."""
    assert login_environment("https://example.com/p", login) == {}


def test_a_login_is_for_one_host():
    """With its port; the password is in a variable of its own."""
    environment = login_environment("https://old@example.com:8443/g/p.git", LOGIN)

    assert environment["GIT_CONFIG_KEY_0"] == "credential.https://example.com:8443.helper"
    assert "secret" not in environment["GIT_CONFIG_VALUE_0"]
    assert environment["GITLAB_CI_GIT_PASSWORD"] == "secret"


@pytest.mark.parametrize(
    ("url", "bare", "user", "password"),
    [
        ("https://me:pa%2Fss@h:1/p.git", "https://h:1/p.git", "me", "pa/ss"),
        ("https://:token@h/p", "https://h/p", "oauth2", "token"),
    ],
)
def test_a_url_gives_up_its_password(url: str, bare: str, user: str, password: str):
    """Percent-encoding is undone."""
    assert split_login(url) == (bare, GitLogin(username=user, password=password))


def test_a_user_alone_is_no_login():
    """It is taken out, for the same repository is known without it."""
    assert split_login("https://me@h/p") == ("https://h/p", None)


def test_settings_are_added_to_those_that_are_there():
    """Git counts them."""
    environment = configuration({"b": "2"}, configuration({"a": "1"}))

    assert environment["GIT_CONFIG_COUNT"] == "2"
    assert environment["GIT_CONFIG_KEY_1"] == "b"


def test_a_password_is_not_shown():
    """Neither by a log nor by a test that fails."""
    assert "secret" not in repr(LOGIN)
