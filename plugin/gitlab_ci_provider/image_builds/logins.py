"""Logins of registries as the `config.json` that every engine reads. Pure functions.

Entries may be for a path of a registry, `registry.example.com/group`. Kaniko v1.28 finds only those
for the exact repository and for a whole registry, and pushes with the latter. So each repository of
the build that a path covers gets an entry of its own, too, and so does the registry.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.image_builds.engine import LoginsKnown
from gitlab_ci_provider.model.image_build import ImageBuild
from gitlab_ci_provider.model.image_reference import DOCKER_HUB, is_registry, parse_reference

DOCKER_HUB_KEY = "https://index.docker.io/v1/"
"""Under which Docker's tools look for the login of Docker Hub."""

_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})

Entries = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryLogin:
    """A login.

    Attributes:
        scope: `HOST`, `HOST:PORT` or one of these with a path.
    """

    scope: str
    username: str
    password: str = field(repr=False)


def docker_config(
    build: ImageBuild,
    logins: Iterable[RegistryLogin],
    auth_config: str,
    known: LoginsKnown,
) -> tuple[str, tuple[str, ...]]:
    """Merge logins into the text of a `config.json`, and list the secrets in it.

    Args:
        build: whose repositories get entries of their own.
        logins: the first one for a scope wins.
        auth_config: DOCKER_AUTH_CONFIG, which yields to `logins`.
        known: which ones the engine tells apart.

    Raises:
        SystemFailure: `auth_config` or a scope is not of the expected form, or the engine would
            choose between logins of one registry.
    """
    given = dict(_read(auth_config))
    for login in reversed(list(logins)):
        given[_key(login.scope)] = {"auth": _encoded(login)}
    if known == "of registries":
        entries = _of_registries(given)
    else:
        entries = _with_repositories(given, build)
    if known == "of paths, to pull":
        entries = _with_registries(entries, build)
    secrets = [text for entry in entries.values() for text in _secrets(entry)]
    return json.dumps({"auths": entries}, sort_keys=True), tuple(dict.fromkeys(secrets))


def login_for(repository: str, logins: Iterable[RegistryLogin]) -> RegistryLogin | None:
    """Find the login with the longest path that covers a repository; of equals, the first."""
    by_scope = {_key(login.scope): login for login in reversed(list(logins))}
    if repository.startswith(f"{DOCKER_HUB}/") and DOCKER_HUB_KEY in by_scope:
        by_scope.setdefault(DOCKER_HUB, by_scope[DOCKER_HUB_KEY])
    scope = repository
    while scope not in by_scope and "/" in scope:
        scope = scope.rpartition("/")[0]
    return by_scope.get(scope)


def auth_config_logins(text: str) -> tuple[RegistryLogin, ...]:
    """Read the logins of DOCKER_AUTH_CONFIG; entries without user and password are left out.

    Raises:
        SystemFailure: it is not of the expected form.
    """
    found = []
    for scope, entry in _read(text).items():
        user, _, password = _decoded(entry).partition(":")
        if user and password:
            found.append(RegistryLogin(scope=scope, username=user, password=password))
    return tuple(found)


def _read(text: str) -> Entries:
    if not text.strip():
        return {}
    try:
        entries = json.loads(text)["auths"]
    except (ValueError, KeyError, TypeError):
        entries = None
    known = isinstance(entries, dict) and all(isinstance(each, dict) for each in entries.values())
    if not known:
        # Without a cause: it would quote the variable.
        raise ConfigurationFailure(
            'DOCKER_AUTH_CONFIG is not of the form {"auths": {"HOST": ...}}'
        ) from None
    return {_key(scope): entry for scope, entry in entries.items()}


def _key(scope: str) -> str:
    """Write a scope as Docker's tools look for it."""
    plain = scope.partition("://")[2] if "://" in scope else scope
    host, _, path = plain.partition("/")
    if host in _HUB_NAMES:
        return DOCKER_HUB_KEY if path in {"", "v1/", "v2/", "v1", "v2"} else f"{DOCKER_HUB}/{path}"
    path = path.strip("/")
    if not is_registry(host) or (path and not parse_reference(path)):
        raise ConfigurationFailure("a login of a registry is not for HOST[:PORT][/PATH]")
    return f"{host}/{path}" if path else host


def _with_repositories(entries: Entries, build: ImageBuild) -> Entries:
    """Add an entry for each repository of a build that a path covers."""
    found = dict(entries)
    for repository in _repositories(build):
        covering = _covering(repository, found)
        if covering is not None and covering not in {repository, _registry_key(repository)}:
            found[repository] = found[covering]
    return found


def _with_registries(entries: Entries, build: ImageBuild) -> Entries:
    """Make the login of what a build pushes that of its registry; the first destination's wins."""
    found = dict(entries)
    for repository in reversed(_repositories(build)):
        covering = _covering(repository, entries)
        if covering is not None:
            found[_registry_key(repository)] = entries[covering]
    return found


def _of_registries(entries: Entries) -> Entries:
    """Make the login of a path that of its registry, where there is no other one."""
    found: dict[str, Mapping[str, object]] = {}
    for scope, entry in entries.items():
        registry = _registry_key(scope)
        if found.setdefault(registry, entry) != entry:
            raise ConfigurationFailure(
                f"this engine has one login for a registry, and there are several for {registry}, "
                "of paths: give the build one of them, or use another engine"
            )
    return found


def _repositories(build: ImageBuild) -> list[str]:
    names = [*build.destinations, *([build.cache_repo] if build.cache_repo else [])]
    found = [parse_reference(name) for name in names]
    return list(dict.fromkeys(reference.name for reference in found if reference))


def _covering(repository: str, entries: Entries) -> str | None:
    """Find the entry with the longest path that covers a repository."""
    scope = repository
    while scope not in entries and "/" in scope:
        scope = scope.rpartition("/")[0]
    return scope if scope in entries else None


def _registry_key(scope: str) -> str:
    """Name the registry of a repository or a login, as logins do."""
    host = scope.partition("/")[0]
    return DOCKER_HUB_KEY if scope == DOCKER_HUB_KEY or host == DOCKER_HUB else host


def _encoded(login: RegistryLogin) -> str:
    return base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def _secrets(entry: Mapping[str, object]) -> Iterable[str]:
    """Name what no log may show of an entry: its texts, and the password in `auth`."""
    for name in ("auth", "password", "identitytoken", "registrytoken"):
        text = entry.get(name)
        if isinstance(text, str) and text:
            yield text
    yield from filter(None, [_decoded(entry).partition(":")[2]])


def _decoded(entry: Mapping[str, object]) -> str:
    """Return `USER:PASSWORD` of an entry; empty when it has none."""
    try:
        return base64.b64decode(str(entry.get("auth") or ""), validate=True).decode()
    except ValueError:
        return ""
