"""Logins of registries: what the Secrets named by `imagePullSecrets` say of an image."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from gitlab_ci_cluster.kubelet.environment import Lookup, data_of
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.runtimes.interface import Login

_KEYS = (".dockerconfigjson", ".dockercfg")
_HUB = "docker.io"
_HUBS = frozenset({"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


def logins_for(image: str, pod: Obj, lookup: Lookup) -> tuple[Login, ...]:
    """List the logins for an image, those of the longest path first."""
    found: list[tuple[str, Login]] = []
    for reference in pod["spec"].get("imagePullSecrets") or []:
        secret = lookup("secrets", reference.get("name", ""))
        if secret is not None:
            found += [entry for entry in _entries(secret) if _is_for(entry[0], image)]
    found.sort(key=lambda entry: len(entry[0]), reverse=True)
    return tuple(login for _, login in found)


def _entries(secret: Obj) -> Iterator[tuple[str, Login]]:
    """Read the logins of a Secret; one that is not valid counts for nothing, as with a kubelet."""
    data = data_of(secret)
    for key in _KEYS:
        with suppress(ValueError, AttributeError, TypeError):
            decoded = json.loads(data.get(key, b"{}"))
            entries = decoded.get("auths", {}) if key == _KEYS[0] else decoded
            for server, said in entries.items():
                if login := _login(server, said):
                    yield _place(server), login


def _login(server: str, said: Any) -> Login | None:
    username, password = said.get("username"), said.get("password")
    if not username and said.get("auth"):
        with suppress(binascii.Error, UnicodeDecodeError):
            username, _, password = base64.b64decode(said["auth"]).decode().partition(":")
    if not username:
        return None
    return Login(server=server, username=username, password=password or "")


def _place(server: str) -> str:
    """Write a server as the beginning of the names of its images."""
    place = server.partition("://")[2] or server
    host, _, path = place.rstrip("/").partition("/")
    path = path.removeprefix("v1").removeprefix("v2").strip("/")
    host = _HUB if host in _HUBS else host
    return f"{host}/{path}".rstrip("/")


def _is_for(place: str, image: str) -> bool:
    first, slash, _ = image.partition("/")
    named = bool(slash) and ("." in first or ":" in first or first == "localhost")
    full = image if named else f"{_HUB}/{image if slash else f'library/{image}'}"
    # After a registry alone, a colon begins a port: that is another registry.
    ends = (f"{place}/", f"{place}:", f"{place}@") if "/" in place else (f"{place}/",)
    return full == place or full.startswith(ends)
