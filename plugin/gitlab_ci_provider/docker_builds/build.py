"""`docker build` and `docker buildx build`: what they build, in words that the shell expands."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gitlab_ci_provider.docker_builds.commands import DockerCommand
from gitlab_ci_provider.docker_builds.flags import Arguments, Grammar, read_arguments
from gitlab_ci_provider.docker_builds.values import (
    CHANGING,
    is_absolute,
    is_changing,
    is_in_working_copy,
    loose_problem,
    resolved,
)
from gitlab_ci_provider.docker_builds.words import Word, joined, read_word, said

_CARRIED = {"--target": "--target", "--label": "--label", "--annotation": "--annotation"}
_DROPPED = frozenset(
    {
        "--force-rm",
        "--load",
        "--no-cache",
        "--pull",
        "--quiet",
        "--rm",
    }
)
"""Switches without effect: every build starts from nothing and asks the registry."""

_DROPPED_VALUES = frozenset({"--builder", "--progress"})
_SPECIAL = frozenset(
    {
        "--build-arg",
        "--cache-from",
        "--cache-to",
        "--file",
        "--network",
        "--output",
        "--platform",
        "--provenance",
        "--sbom",
        "--secret",
        "--tag",
    }
)
_GRAMMAR = Grammar(
    valued={*_CARRIED, *_DROPPED_VALUES, *_SPECIAL},
    switches={*_DROPPED, "--push"},
    short={"t": "--tag", "f": "--file", "q": "--quiet", "o": "--output"},
)
_HINTS = {
    "--network": "The build uses the network of the job: leave the option out.",
    "--ssh": "Fetch with CI_JOB_TOKEN, in the script or by --secret.",
    "--add-host": "Name the host in the runner's `network.host_aliases`.",
    "--build-context": "Put everything into one context.",
    "--iidfile": "Use the executor's --digest-file.",
    "--metadata-file": "Use the executor's --digest-file.",
    "--memory": "The build has the memory of the job.",
    "--squash": "Use the executor's --single-snapshot.",
}
_STRICT = frozenset({"--build-arg", "--secret"})
"""Nothing later would notice that their value had become several words."""

_NEEDLESS_SETTINGS = frozenset(
    {"BUILDKIT_PROGRESS", "COMPOSE_DOCKER_CLI_BUILD", "DOCKER_BUILDKIT", "DOCKER_CLI_EXPERIMENTAL"}
)
_OF_BUILDKIT = re.compile(r"[\"']?(BUILDKIT_[A-Z_]+|SOURCE_DATE_EPOCH)\b")
PWD = read_word('"$PWD"', {})


class CannotBuildError(Exception):
    """A build cannot be carried over; the message says why."""

    def __init__(self, why: str, hint: str = ""):
        super().__init__(why)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerBuild:
    """What a `docker build` builds.

    Attributes:
        context: an absolute path.
        dockerfile: an absolute path.
        tags: in the order of the command; none of them is pushed by itself.
        options: of the executor, such as `--target=app`.
        cached_from: images whose layers may be used again.
        pushes: whether it pushes its tags itself.
        from_environment: build arguments whose values are those of exported variables.
    """

    context: Word
    dockerfile: Word
    tags: tuple[Word, ...]
    options: tuple[Word, ...] = ()
    cached_from: tuple[Word, ...] = ()
    cached: bool = False
    pushes: bool = False
    from_environment: frozenset[str] = frozenset()


def read_build(docker: DockerCommand, known: Mapping[str, str]) -> DockerBuild:
    """Read a `docker build`.

    Args:
        docker: the command.
        known: variables of the file.

    Raises:
        CannotBuildError: it asks for something that the engines cannot do.
    """
    _check_around(docker, known)
    arguments = read_arguments(docker.arguments, _GRAMMAR)
    if arguments.problem:
        raise CannotBuildError(arguments.problem, _hint(arguments.problem))
    context = _context(arguments, known)
    files = arguments.values("--file")
    dockerfile = _path(files[-1], known) if files else joined(context, "/Dockerfile")
    outputs = [value.literal for value in arguments.values("--output")]
    if set(outputs) - {"type=registry"}:
        raise CannotBuildError(
            "`--output` writes something else than an image", _HINTS["--iidfile"]
        )
    tags = tuple(_checked(tag, known) for tag in arguments.values("--tag"))
    return DockerBuild(
        context=context,
        dockerfile=dockerfile,
        tags=tags,
        options=tuple(_options(arguments, known)),
        cached_from=tuple(_cache_image(value) for value in arguments.values("--cache-from")),
        cached=_is_cached(arguments),
        pushes=arguments.has("--push") or bool(outputs),
        from_environment=_without_value(arguments.values("--build-arg")),
    )


def _is_cached(arguments: Arguments) -> bool:
    """Return whether layers of earlier builds may be used, which `--no-cache` forbids."""
    inline = any(
        value.source.startswith("BUILDKIT_INLINE_CACHE=")
        for value in arguments.values("--build-arg")
    )
    asked = inline or arguments.has("--cache-from") or arguments.has("--cache-to")
    return asked and not arguments.has("--no-cache")


def _without_value(arguments: Sequence[Word]) -> frozenset[str]:
    return frozenset(word.literal or "" for word in arguments if "=" not in word.body)


def _hint(problem: str) -> str:
    return next((hint for name, hint in _HINTS.items() if f"`{name}`" in problem), "")


def check_settings(docker: DockerCommand, known: Mapping[str, str]) -> None:
    """Check that a command asks the daemon of the script, in a way that nothing changes.

    Raises:
        CannotBuildError: it does not.
    """
    if docker.chosen:
        words = f"`{docker.chosen}` chooses a daemon or a configuration for this command alone"
        raise CannotBuildError(words, "Set DOCKER_HOST or DOCKER_CONFIG for the whole job.")
    for name, hint in CHANGING.items():
        if is_changing(name, known):
            raise CannotBuildError(f"{name} is set", hint)
    names = [name for name, _ in docker.command.assignments if name not in _NEEDLESS_SETTINGS]
    if names:
        raise CannotBuildError(f"{names[0]} is set for this command alone", "Export it before.")


def _check_around(docker: DockerCommand, known: Mapping[str, str]) -> None:
    check_settings(docker, known)
    if docker.command.redirects:
        words = f"`{docker.command.redirects[0]}` belongs to the output of docker"
        raise CannotBuildError(words, "Leave the redirection out; a Dockerfile must be a file.")


def _context(arguments: Arguments, known: Mapping[str, str]) -> Word:
    if not arguments.operands:
        raise CannotBuildError("it has no build context")
    if len(arguments.operands) > 1:
        several = next((word for word in arguments.operands if word.is_variable), None)
        if several is None:
            raise CannotBuildError("it has more than one build context")
        words = f"{several.source} may hold any options"
        raise CannotBuildError(words, "Write the options where the variable is.")
    context = _path(arguments.operands[0], known)
    if not is_in_working_copy(context, known):
        words = f"{context.source} is outside of the working copy, which Kaniko may clear"
        raise CannotBuildError(words, "Copy what is built into the working copy.")
    return context


def _path(word: Word, known: Mapping[str, str]) -> Word:
    """Return a path that does not depend on the folder of the process."""
    if word.problem:
        raise CannotBuildError(word.problem, "Write the path in full.")
    text = word.literal if word.literal is not None else word.body
    if text == "-":
        raise CannotBuildError("it reads from standard input", "Give it a file or a folder.")
    if any(_is_elsewhere(where) for where in (text, resolved(word, known))):
        raise CannotBuildError(
            "its context is on another server", "Check it out first, in the script."
        )
    why = loose_problem(word, known, strict=False)
    if why:
        raise CannotBuildError(why)
    absolute = is_absolute(word, known)
    if absolute is None:
        words = f"only the shell knows whether {word.source} is an absolute path"
        raise CannotBuildError(words, 'Begin it with "$CI_PROJECT_DIR/" or "./".')
    if absolute:
        return word
    path = word.after("./") if word.source.startswith("./") else word
    return PWD if path.body in ("", ".") else joined(PWD, "/", path)


def _is_elsewhere(context: str) -> bool:
    return "://" in context or context.startswith(("git@", "github.com/"))


def _checked(word: Word, known: Mapping[str, str], *, strict: bool = False) -> Word:
    if word.problem:
        raise CannotBuildError(word.problem, "Write it out.")
    why = loose_problem(word, known, strict=strict)
    if why:
        raise CannotBuildError(why)
    return word


def _options(arguments: Arguments, known: Mapping[str, str]) -> list[Word]:
    """List options of the executor, in the order of the command."""
    if len(arguments.values("--platform")) > 1:
        raise _several_platforms()
    found: list[Word] = []
    for name, value in arguments.options:
        if value is None or name in _DROPPED_VALUES:
            continue
        if name in _CARRIED:
            strict = name != "--target"
            found.append(joined(f"{_CARRIED[name]}=", _checked(value, known, strict=strict)))
        elif name in _READERS:
            found += _READERS[name](_checked(value, known, strict=name in _STRICT))
    return found


def _build_arg(value: Word) -> list[Word]:
    if value.source.startswith("BUILDKIT_INLINE_CACHE="):
        return []
    if order := _OF_BUILDKIT.match(value.source):
        words = f"the build argument {order[1]} is an order to BuildKit"
        raise CannotBuildError(words, "Leave it out.")
    if "=" in value.body:
        return [joined("--build-arg=", value)]
    name = value.literal or ""
    if not name.isidentifier():
        raise CannotBuildError(f"only the shell knows which build argument {value.source} is")
    # Without a value it takes the variable's, and is left out where there is none.
    text = f'${{{name}+"--build-arg={name}=${name}"}}'
    return [Word(source=text, body=text, loose=(text,))]


def _platform(value: Word) -> list[Word]:
    if value.literal is None:
        words = f"only the shell knows how many platforms {value.source} is"
        raise CannotBuildError(words, "Write one platform.")
    if "," in value.literal:
        raise _several_platforms()
    return [said(f"--custom-platform={value.literal}")]


def _several_platforms() -> CannotBuildError:
    hint = "Build each on a node of its kind, then put them together with `manifest-tool`."
    return CannotBuildError("it builds for several platforms", hint)


def _secret(value: Word) -> list[Word]:
    relative = "src=" in value.body and "src=/" not in value.body
    if relative or "source=" in value.body:
        hint = "Begin its path with /, or take the secret from a variable with env=."
        raise CannotBuildError("the path of a secret is relative", hint)
    return [joined("--secret=", value)]


def _network(value: Word) -> list[Word]:
    if value.literal not in ("default", "host"):
        raise CannotBuildError("the option `--network` has no counterpart", _HINTS["--network"])
    return []  # of a daemon in the pod it is the pod's, as that of the build is


def _cache(value: Word) -> list[Word]:
    """Check that a cache is in a registry, where that of the executor is."""
    kind = next((part for part in value.body.split(",") if part.startswith("type=")), "")
    if kind not in ("", "type=registry", "type=inline"):
        words = f"its cache, `{kind}`, is not in a registry"
        raise CannotBuildError(words, "Leave it out, or use `type=registry`.")
    return []


def _attestation(value: Word) -> list[Word]:
    if value.literal != "false":
        raise CannotBuildError("the engines write no attestations", "Sign the image by its digest.")
    return []


_READERS: Mapping[str, Callable[[Word], list[Word]]] = {
    "--build-arg": _build_arg,
    "--cache-from": _cache,
    "--cache-to": _cache,
    "--network": _network,
    "--platform": _platform,
    "--secret": _secret,
    "--provenance": _attestation,
    "--sbom": _attestation,
}


def _cache_image(value: Word) -> Word:
    """Return the image of `--cache-from IMAGE` or `--cache-from type=registry,ref=IMAGE`."""
    kind, found, image = value.body.partition("ref=")
    if found and kind.startswith("type="):
        return Word(source=image, body=image)
    return value
