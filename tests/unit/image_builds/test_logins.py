"""Logins of registries as the engine's `config.json`."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.image_builds.logins import RegistryLogin, docker_config
from gitlab_ci_provider.model.image_build import ImageBuild, LayerCache

BUILD = ImageBuild(
    context="dir:///builds/app",
    destinations=("r.example.com/group/deep/app:1",),
    cache=LayerCache(enabled=True, repo="r.example.com/other/cache"),
)


def _login(scope: str, user: str = "user", password: str = "password") -> RegistryLogin:
    return RegistryLogin(scope=scope, username=user, password=password)


def _auths(*logins: RegistryLogin, auth_config: str = "") -> dict[str, str]:
    """Decode the logins of a configuration."""
    text, _ = docker_config(BUILD, logins, auth_config, "of paths")
    auths: dict[str, Any] = json.loads(text)["auths"]
    return {key: base64.b64decode(value["auth"]).decode() for key, value in auths.items()}


def test_logins_are_kept_by_registry():
    """What `docker login` would write."""
    assert _auths(_login("r.example.com"), _login("localhost:5000", "a", "b:c")) == {
        "r.example.com": "user:password",
        "localhost:5000": "a:b:c",
    }


def test_a_path_has_its_own_login():
    """Kaniko finds only exact repositories: each that a path covers gets an entry, too."""
    found = _auths(
        _login("r.example.com", "all"),
        _login("r.example.com/group", "group"),
        _login("r.example.com/group/deep", "deep"),
    )

    assert found == {
        "r.example.com": "all:password",
        "r.example.com/group": "group:password",
        "r.example.com/group/deep": "deep:password",
        "r.example.com/group/deep/app": "deep:password",
    }


def test_a_path_covers_whole_names_only():
    """`group/de` has nothing to do with `group/deep`."""
    assert "r.example.com/group/deep/app" not in _auths(_login("r.example.com/group/de"))


def test_an_engine_that_pushes_as_the_registry_gets_the_login_of_the_path():
    """Kaniko v1.28 looks for no other one; what names a base image stays."""
    scopes = ("r.example.com", "r.example.com/group", "r.example.com/base")
    logins = [_login(scope, user=scope) for scope in scopes]
    text, _ = docker_config(BUILD, logins, "", "of paths, to pull")
    entries = json.loads(text)["auths"]

    assert entries["r.example.com"] == entries["r.example.com/group"]
    assert entries["r.example.com/base"] != entries["r.example.com/group"]


def test_an_engine_that_knows_no_paths_gets_the_login_of_the_registry():
    """The only one that there is; the same login for two paths is one."""
    scopes = ("r.example.com/group", "r.example.com/base", "docker.io/group")
    text, _ = docker_config(BUILD, map(_login, scopes), "", "of registries")

    assert set(json.loads(text)["auths"]) == {"r.example.com", "https://index.docker.io/v1/"}


@pytest.mark.parametrize("other", ["r.example.com", "r.example.com/base"])
def test_an_engine_that_knows_no_paths_chooses_no_login(other: str):
    """It would send one of two, perhaps the wrong one: nothing is built."""
    logins = (_login("r.example.com/group"), _login(other, "other", "s3cret"))

    with pytest.raises(SystemFailure, match=r"several for r\.example\.com") as raised:
        docker_config(BUILD, logins, "", "of registries")

    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("scope", ["docker.io", "index.docker.io", "https://index.docker.io/v1/"])
def test_docker_hub_is_named_as_docker_names_it(scope: str):
    """Every tool looks for Docker Hub under its old address."""
    assert list(_auths(_login(scope))) == ["https://index.docker.io/v1/"]


def test_connections_win_over_docker_auth_config():
    """Of two logins for a scope the first counts; DOCKER_AUTH_CONFIG adds what is missing."""
    mine = base64.b64encode(b"mine:1").decode()
    given = {"auths": {"https://r.example.com": {"auth": mine}, "x.example.com": {"auth": mine}}}
    logins = (_login("r.example.com", "first"), _login("r.example.com", "second"))

    assert _auths(*logins, auth_config=json.dumps(given)) == {
        "r.example.com": "first:password",
        "x.example.com": "mine:1",
    }


def test_every_secret_of_a_login_is_listed_for_masking():
    """The password, its encoded form, and tokens."""
    given = json.dumps({"auths": {"x.example.com": {"identitytoken": "t0ken"}}})
    _, secrets = docker_config(BUILD, [_login("r.example.com")], given, "of paths")

    assert {"password", "t0ken", base64.b64encode(b"user:password").decode()} <= set(secrets)


@pytest.mark.parametrize("text", ["secret", "[]", '{"auths": []}', '{"auths": {"h": "secret"}}'])
def test_a_wrong_docker_auth_config_is_not_quoted(text: str):
    """The message says what form is expected, and nothing of the variable."""
    with pytest.raises(SystemFailure) as raised:
        docker_config(BUILD, (), text, "of paths")

    assert "DOCKER_AUTH_CONFIG" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_login_shows_no_password():
    """Not even in a debugger's output."""
    assert "password=" not in repr(_login("r.example.com"))
