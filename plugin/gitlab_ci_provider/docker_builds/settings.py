"""Variables that docker's commands heed: what in them would change when a job is rewritten."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from posixpath import normpath

from gitlab_ci_provider.docker_builds.daemon import daemon_hosts
from gitlab_ci_provider.docker_builds.known import Known
from gitlab_ci_provider.docker_builds.spots import Problem, Spot
from gitlab_ci_provider.docker_builds.values import NO, WORKING_COPY, is_in_working_copy
from gitlab_ci_provider.docker_builds.words import Word
from gitlab_ci_provider.model.image import Service

_SET = re.compile(r"(?<![\w$])(DOCKER_(?:BUILDKIT|CONFIG|HOST))=[\"']?(?P<value>[^\s;&|\"']*)")
_TCP = re.compile(r"tcp://(?P<host>\[[0-9a-f:]+\]|[^:/]+)(?::\d+)?/?")
_OWN_HOSTS = ("localhost", "127.0.0.1", "0.0.0.0", "[::1]")  # noqa: S104 - where others listen
_KANIKO = "/kaniko/"
"""Its own folder, which it does not clear."""


def setting_problems(
    services: Iterable[Service],
    known: Known,
    script: Sequence[tuple[Spot, str]],
) -> Iterator[Problem]:
    """Name the variables that choose another daemon, another builder or a folder that is cleared.

    Args:
        services: of the job.
        known: its variables.
        script: texts of its statements.
    """
    hosts = frozenset((*_OWN_HOSTS, *daemon_hosts(services)))
    folders = filter(None, map(known.values.get, WORKING_COPY))
    kept = (_KANIKO, *(f"{folder}/" for folder in folders))
    given = [(spot, spot.name, value) for spot, value in known.settings]
    for spot, text in script:
        given += [(spot, found[1], found["value"]) for found in _SET.finditer(text)]
    for spot, name, value in given:
        if why := _why_not(name, value, hosts, kept):
            yield Problem(spot, *why)


def _why_not(
    name: str, value: str, hosts: frozenset[str], kept: tuple[str, ...]
) -> tuple[str, str] | None:
    """Say what is wrong with a value, and the way out; never the value, which may be secret."""
    if name == "DOCKER_HOST" and not _is_own_daemon(value, hosts):
        words = "DOCKER_HOST may name a daemon elsewhere, with its own platform and images"
        return words, "Leave it out, or name the job's own service."
    if name == "DOCKER_CONTEXT" and value not in ("", "default"):
        return "DOCKER_CONTEXT chooses a daemon", "Leave it out."
    if name == "DOCKER_BUILDKIT" and value.lower() in NO - {""}:
        words = "DOCKER_BUILDKIT chooses the classic builder, which reads Dockerfiles differently"
        return words, "Leave it out."
    if name == "DOCKER_CONFIG" and not _is_kept(value, kept):
        words = "DOCKER_CONFIG is outside of the working copy, which Kaniko may clear"
        return words, 'Leave it out, or begin it with "$CI_PROJECT_DIR/".'
    return None


def _is_kept(folder: str, kept: tuple[str, ...]) -> bool:
    """Return whether a build leaves a folder alone."""
    word = Word(source=folder, body=folder, literal=None if "$" in folder else folder)
    absolute = folder.startswith(("/", "~", "$"))
    return not absolute or f"{normpath(folder)}/".startswith(kept) or is_in_working_copy(word, {})


def _is_own_daemon(value: str, hosts: frozenset[str]) -> bool:
    if not value or value.startswith("unix://"):
        return True
    found = _TCP.fullmatch(value)
    return found is not None and found["host"] in hosts
