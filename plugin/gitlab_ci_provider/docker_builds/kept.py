"""Statements that stay in a script as they are: what would go wrong with them without a daemon."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gitlab_ci_provider.docker_builds.commands import docker_command, starts_docker
from gitlab_ci_provider.docker_builds.programs import SHADOWED, is_known
from gitlab_ci_provider.docker_builds.shell import Command, Statement
from gitlab_ci_provider.docker_builds.spots import Problem, Spot
from gitlab_ci_provider.docker_builds.values import CHANGING, is_absolute, is_in_working_copy

_CHANGES = frozenset({*CHANGING, "PATH", "DOCKER_CONTEXT", "BUILDX_BUILDER"})
_SHOWN = 5
_SPLIT_JOB = "Do this in a job of its own, before or after; files go along as artifacts."
_GOES_ON = re.compile(r"\+[a-z]*[eo]")
"""`set +e`, `set +ex` and `set +o errexit`."""

_OWN_CONFIG = re.compile(r"(?:~|\$HOME|\$\{HOME\}|/root)[\"']?/\.docker\b")


def troubles(
    statement: Statement, known: Mapping[str, str], sets: frozenset[str]
) -> Iterator[tuple[int, str, str]]:
    """Say what is wrong with a statement that would stay: line, words and way out.

    Args:
        statement: without commands for the daemon.
        known: variables of the file.
        sets: variables that the script has set before.
    """
    for command in statement.commands:
        for words, hint in _of_command(command, known):
            yield command.line, words, hint
    line = statement.line
    for name in sorted(statement.defines & SHADOWED):
        words = f"`{name}` is a function here, and no longer the program"
        yield line, words, "Give the function another name."
    for name in sorted(statement.sets & _CHANGES)[:1]:
        yield line, f"{name} is set, which changes what commands mean", "Leave it out."
    if statement.bash:
        words = "is understood by bash only, which the build engine's image lacks"
        yield line, f"`{short(statement)}` {words}", _SPLIT_JOB
    if "/docker.sock" in statement.source:
        words = "the socket of a Docker daemon is used"
        yield line, words, "Nothing listens there in a pod."
    moved = "DOCKER_CONFIG" in {*known, *sets, *statement.sets}
    if _OWN_CONFIG.search(statement.source) and not moved:
        words = "Docker's configuration is not where the build engine looks for it"
        yield line, words, 'Use `docker login`, or the folder "$DOCKER_CONFIG".'


def _of_command(command: Command, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if starts_docker(command):
        words = f"`{command.words[0].source}` starts docker"
        yield words, "Call docker itself, as a command of the script."
    elif command.name == "set" and any(_GOES_ON.match(word.source) for word in command.words):
        yield "`set +e` lets the job go on after a failed build", "Leave it out."
    elif command.name == "cd" and not command.context:
        path = command.words[1] if len(command.words) > 1 else None
        home = path is None or path.source.startswith("~")
        if home or (path and is_absolute(path, known) and not is_in_working_copy(path, known)):
            words = f"`{' '.join(word.source for word in command.words)}` leaves the working copy"
            yield f"{words}, and Kaniko may clear all else", "Build in the working copy."


def unknown_programs(statement: Statement) -> Iterator[Command]:
    """List what may not be in the build engine's image, commands for the daemon left out."""
    for command in statement.commands:
        if not (docker_command(command) or is_known(command) or starts_docker(command)):
            yield command


def missing_programs(programs: Mapping[str, Spot]) -> Problem:
    """Say which programs the build engine's image lacks."""
    names = ", ".join(f"`{name}`" for name in list(programs)[:_SHOWN])
    more = f" and {len(programs) - _SHOWN} more" if len(programs) > _SHOWN else ""
    verb = "is" if len(programs) == 1 else "are"
    words = f"{names}{more} {verb} not in the build engine's image, and may need the Docker daemon"
    return Problem(min(programs.values()), words, _SPLIT_JOB)


def short(statement: Statement) -> str:
    """Return a statement, or the beginning of a long one."""
    line, _, more = statement.source.partition("\n")
    return line if len(line) <= 60 and not more else f"{line[:57]}..."
