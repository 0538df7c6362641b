"""Commands for the Docker daemon: which there are in a script, and what can become of each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from gitlab_ci_provider.docker_builds.flags import Grammar, read_arguments
from gitlab_ci_provider.docker_builds.shell import Command, Statement
from gitlab_ci_provider.docker_builds.ways_out import way_out
from gitlab_ci_provider.docker_builds.words import Word, said

_PROGRAMS = frozenset({"docker", "docker-compose"})
_CHOOSING = ("--config", "--context", "--host")
_OPTIONS = Grammar(
    valued={*_CHOOSING, "--log-level", "--tlscacert", "--tlscert", "--tlskey"},
    switches={"--debug", "--tls", "--tlsverify"},
    short={"D": "--debug", "H": "--host", "c": "--context", "l": "--log-level"},
)
"""They stand before the verb."""

_GROUPS = frozenset(
    {
        "builder",
        "buildx",
        "compose",
        "container",
        "context",
        "image",
        "manifest",
        "network",
        "system",
        "volume",
    }
)
_SAME = {
    "buildx build": "build",
    "buildx b": "build",
    "builder build": "build",
    "image build": "build",
    "image push": "push",
    "image pull": "pull",
    "image tag": "tag",
    "image rm": "rmi",
    "image ls": "images",
    "image save": "save",
    "image load": "load",
    "container run": "run",
    "container exec": "exec",
}
NEEDLESS = frozenset(
    {
        "",
        "--version",
        "-v",
        "builder prune",
        "buildx create",
        "buildx du",
        "buildx inspect",
        "buildx install",
        "buildx ls",
        "buildx prune",
        "buildx rm",
        "buildx stop",
        "buildx use",
        "buildx version",
        "container prune",
        "context create",
        "context ls",
        "context use",
        "image prune",
        "images",
        "info",
        "logout",
        "ps",
        "rmi",
        "system df",
        "system info",
        "system prune",
        "version",
        "volume prune",
    }
)
"""They prepare a daemon, show what it has, or clean up: without a daemon there is nothing to do."""

_QUIET = frozenset({"echo", "printf", "true", ":", "sleep"})
_SPEAKING = frozenset({"echo", "printf", ":"})
_TO_NOTHING = frozenset(
    {
        ">/dev/null",
        "> /dev/null",
        "2>&1",
        "2>/dev/null",
        "2> /dev/null",
        "&>/dev/null",
        "&> /dev/null",
        "1>&2",
        ">&2",
    }
)
_STARTER_NAMES = (
    "bash busybox command env eval exec nice nohup retry sh sudo time timeout watch xargs"
)
_STARTERS = frozenset(_STARTER_NAMES.split())
_TEXT = re.compile(r"\bdocker(?:-compose)?\s+[a-z]")


@dataclass(frozen=True, slots=True)
class DockerCommand:
    """A command for the Docker daemon.

    Attributes:
        verb: what it does, the same for all spellings: `build` for `docker buildx build`.
        arguments: after the verb.
        chosen: the option that chooses another daemon or another configuration; empty without.
    """

    command: Command
    verb: str
    arguments: tuple[Word, ...]
    chosen: str = ""

    @property
    def shown(self) -> str:
        """The command as a person calls it."""
        return f"`docker {self.verb}`"

    @property
    def way_out(self) -> str:
        """What to do instead."""
        return way_out(self.verb)


def docker_command(command: Command) -> DockerCommand | None:
    """Return what a command asks of the Docker daemon; None when it is another program's."""
    program = (command.name or "").rpartition("/")[2]
    if program not in _PROGRAMS:
        return None
    if program == "docker-compose":
        return _verb(command, [said("compose"), *command.words[1:]])
    options = read_arguments(command.words[1:], _OPTIONS, leading=True)
    if options.problem:  # such as --version
        return _verb(command, list(command.words[1:]))
    chosen = next((name for name in _CHOOSING if options.has(name)), "")
    return replace(_verb(command, options.operands), chosen=chosen)


def _verb(command: Command, words: list[Word]) -> DockerCommand:
    """Read the words from the verb on."""
    texts = [word.literal or "?" for word in words]
    if not texts:
        return DockerCommand(command, "", ())
    if texts[0] not in _GROUPS:
        return DockerCommand(command, texts[0], tuple(words[1:]))
    pairs = enumerate(pairwise(texts), start=1)
    at = next((at for at, (before, text) in pairs if text[0] != "-" and before != "--builder"), 0)
    if texts[0] == "compose":
        known = ("build", "up", "run", "push", "pull", "down", "exec")
        at = next((position for position, text in enumerate(texts) if text in known), at)
    verb = f"{texts[0]} {texts[at]}" if at else texts[0]
    return DockerCommand(command, _SAME.get(verb, verb), tuple(words[at + 1 :]))


def docker_commands(statement: Statement) -> list[DockerCommand]:
    """List what a statement asks of the Docker daemon, at any depth."""
    return [found for command in statement.commands if (found := docker_command(command))]


def starts_docker(command: Command) -> bool:
    """Return whether another program may start docker: `sh -c 'docker ...'`, `sudo docker ...`."""
    if docker_command(command) or command.name in _SPEAKING:
        return False
    texts = [word.literal if word.literal is not None else word.source for word in command.words]
    starts = command.name in _STARTERS
    return any((starts and text in _PROGRAMS) or _TEXT.search(text) for text in texts)


def is_silence(redirect: str) -> bool:
    """Return whether a redirection only makes a command silent."""
    return redirect in _TO_NOTHING


def is_needless(statement: Statement, found: Iterable[DockerCommand]) -> bool:
    """Return whether nothing is lost when a statement is left out, as without a daemon."""
    asked = list(found)
    others = [command for command in statement.commands if not docker_command(command)]
    silent = all(set(command.redirects) <= _TO_NOTHING for command in statement.commands)
    return (
        all(docker.verb in NEEDLESS for docker in asked)
        and all(command.name in _QUIET for command in others)
        and not statement.sets
        and silent
        and not any(docker.command.assignments for docker in asked)
        and not statement.tested
    )


def is_cache_pull(statement: Statement, found: Iterable[DockerCommand]) -> bool:
    """Return whether a statement is `docker pull IMAGE || true`, which only fills the daemon."""
    asked = list(found)
    others = [command for command in statement.commands if not docker_command(command)]
    return (
        len(asked) == 1
        and asked[0].verb == "pull"
        and asked[0].command.context == "in a list with `||`"
        and bool(others)
        and others[-1].name in _QUIET
        and all(command.name in _QUIET for command in others)
        and statement.commands[0] is asked[0].command
    )
