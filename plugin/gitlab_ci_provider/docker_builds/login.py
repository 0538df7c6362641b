"""`docker login`: who logs in, where, and where the password comes from."""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.docker_builds.build import CannotBuildError
from gitlab_ci_provider.docker_builds.commands import DockerCommand, is_silence
from gitlab_ci_provider.docker_builds.flags import Grammar, read_arguments
from gitlab_ci_provider.docker_builds.shell import Command
from gitlab_ci_provider.docker_builds.words import Word, said

_GRAMMAR = Grammar(
    valued={"--username", "--password"},
    switches={"--password-stdin"},
    short={"u": "--username", "p": "--password"},
)
_DOCKER_HUB = said("https://index.docker.io/v1/")
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A login at a registry."""

    registry: Word
    user: Word
    password: Word


def read_login(docker: DockerCommand, producer: Command | None) -> Login:
    """Read a `docker login`.

    Args:
        docker: the command.
        producer: what writes the password into the pipe before it; None without a pipe.

    Raises:
        CannotBuildError: it is not understood.
    """
    arguments = read_arguments(docker.arguments, _GRAMMAR)
    if arguments.problem or len(arguments.operands) > 1:
        raise CannotBuildError(arguments.problem or "it names more than one registry")
    users, passwords = arguments.values("--username"), arguments.values("--password")
    if arguments.has("--password-stdin"):
        passwords = [_from_input(docker.command, producer)]
    elif producer or _inputs(docker.command):
        raise CannotBuildError("its input is not used", "Add --password-stdin.")
    if not users or not passwords:
        raise CannotBuildError("it asks for a user or password", "Give both, with -u and -p.")
    login = Login(registry=_registry(arguments.operands), user=users[-1], password=passwords[-1])
    for word in (login.registry, login.user, login.password):
        if word.problem:
            raise CannotBuildError(word.problem, "Put it in quotes.")
    return login


def _registry(operands: list[Word]) -> Word:
    if not operands or operands[0].literal in _HUB_NAMES:
        return _DOCKER_HUB
    return operands[0]


def _from_input(command: Command, producer: Command | None) -> Word:
    """Return the password that `--password-stdin` reads, which ends before the line does."""
    inputs = _inputs(command)
    if (
        producer is None
        and len(inputs) == 1
        and inputs[0].startswith("<")
        and inputs[0][1:2] != "<"
    ):
        return _output(f"cat {inputs[0][1:].strip()}")
    if producer is None or inputs or producer.assignments or producer.redirects:
        raise CannotBuildError("its password is not understood", 'Use `echo "$PASSWORD" |`.')
    words = producer.words
    if producer.name == "echo" and [word.literal for word in words[1:-1]] in ([], ["-n"]):
        return words[-1]
    if producer.name == "printf" and [word.literal for word in words[1:-1]] in ([], ["%s"]):
        return words[-1]
    if producer.name in {"cat", "printenv", "base64"}:
        return _output(" ".join(word.source for word in words))
    hint = "Take the password from a variable, or use a credential helper of the engine."
    raise CannotBuildError(f"`{words[0].source}` is not in the image of the build engine", hint)


def _inputs(command: Command) -> list[str]:
    return [redirect for redirect in command.redirects if not is_silence(redirect)]


def _output(command: str) -> Word:
    text = f"$({command})"
    return Word(source=text, body=text)
