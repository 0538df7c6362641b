"""Which login is for which image."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gitlab_ci_cluster.kubelet.pull_secrets import logins_for
from gitlab_ci_cluster.runtimes.interface import Login

POD: dict[str, Any] = {"spec": {"imagePullSecrets": [{"name": "s"}, {"name": "missing"}]}}


def users(image: str, auths: dict[str, Any], key: str = ".dockerconfigjson") -> list[str]:
    """List the users with which an image is pulled."""
    content = {"auths": auths} if key == ".dockerconfigjson" else auths
    data = {key: base64.b64encode(json.dumps(content).encode()).decode()}
    secret = {"kind": "Secret", "data": data}
    found = logins_for(image, POD, lambda _, name: secret if name == "s" else None)
    return [login.username for login in found]


def login(user: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:secret".encode()).decode()}


@pytest.mark.parametrize(
    ("server", "image", "fits"),
    [
        ("r.example.com", "r.example.com/a:1", True),
        ("https://r.example.com/v2/", "r.example.com/a:1", True),
        ("r.example.com", "r.example.com.evil.org/a:1", False),
        ("r.example.com", "r.example.com:5000/a:1", False),
        ("r.example.com/team", "r.example.com/team/a", True),
        ("r.example.com/team", "r.example.com/teams/a", False),
        ("https://index.docker.io/v1/", "ruby", True),
        ("https://index.docker.io/v1/", "r.example.com/ruby", False),
    ],
)
def test_a_login_is_sent_to_its_registry_alone(server: str, image: str, fits: bool):
    """And to no other that only begins like it."""
    assert users(image, {server: login("me")}) == (["me"] if fits else [])


def test_the_login_of_the_longest_path_comes_first():
    """A group's token before that of the whole registry."""
    auths = {"r.example.com": login("all"), "r.example.com/team": login("team")}

    assert users("r.example.com/team/a", auths) == ["team", "all"]


def test_both_ways_of_writing_are_read():
    """User and password apart, and the old form of the file; invalid ones are skipped."""
    plain = {"username": "me", "password": "p"}

    assert users("r.io/a", {"r.io": plain}, ".dockercfg") == ["me"]
    assert users("r.io/a", {"r.io": {"auth": "!"}}) == []


def test_an_empty_secret_has_no_logins():
    """Nor does one that is not valid JSON."""
    secret = {"kind": "Secret", "data": {".dockerconfigjson": ""}}

    assert logins_for("a", POD, lambda *_: secret) == ()


def test_no_password_is_shown_with_its_login():
    """Logs and errors may hold a login."""
    assert "secret" not in repr(Login(server="r.io", username="me", password="secret"))
