"""A script's docker commands to image builds, statement by statement; or why that is impossible.

A build stands where `docker build` stood, and pushes by itself. So what stands between a build and
its push may be nothing that could fail, and nothing that changes a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gitlab_ci_provider.docker_builds.build import (
    CannotBuildError,
    DockerBuild,
    check_settings,
    read_build,
)
from gitlab_ci_provider.docker_builds.commands import (
    NEEDLESS,
    DockerCommand,
    docker_command,
    docker_commands,
    is_cache_pull,
    is_needless,
    is_silence,
    starts_docker,
)
from gitlab_ci_provider.docker_builds.flags import Grammar, read_arguments
from gitlab_ci_provider.docker_builds.kept import short, troubles, unknown_programs
from gitlab_ci_provider.docker_builds.login import Login, read_login
from gitlab_ci_provider.docker_builds.programs import STEPS, is_quiet
from gitlab_ci_provider.docker_builds.shell import Command, Statement
from gitlab_ci_provider.docker_builds.spots import Problem, Spot
from gitlab_ci_provider.docker_builds.values import loose_problem
from gitlab_ci_provider.docker_builds.words import Word

_PUSH = Grammar(
    valued=(), switches={"--quiet", "--all-tags"}, short={"q": "--quiet", "a": "--all-tags"}
)
_BUILDS = re.compile(r"\b(build|bake)$")
_NOT_NEEDED = "Leave it out: without a daemon there is nothing to do."


@dataclass(slots=True)
class Image:
    """An image that a script builds, while the script is read.

    Attributes:
        at: the position of its statement.
        names: the identities of its tags.
        destinations: where it is pushed.
    """

    at: int
    build: DockerBuild
    names: dict[str, Word]
    destinations: list[Word] = field(default_factory=list)

    @property
    def unpushed(self) -> list[Word]:
        """The names that only the daemon has."""
        pushed = {identity(word) for word in self.destinations}
        return [self.names[name] for name in sorted(self.names.keys() - pushed)]


@dataclass(frozen=True, slots=True)
class Placed:
    """A statement of a job's script and where it stands."""

    statement: Statement
    spot: Spot


@dataclass(slots=True)
class Carried:
    """What becomes of the statements of a script, by position.

    Attributes:
        dropped: those that become nothing.
        images: those that become builds.
        logins: those that become logins, with all logins so far.
        earlier: for each build that pushes, logins that the script has after it.
        problems: those that cannot be carried over.
        programs: what the build engine's image lacks, and where it is used first.
    """

    dropped: set[int] = field(default_factory=set)
    images: dict[int, Image] = field(default_factory=dict)
    logins: dict[int, tuple[Login, ...]] = field(default_factory=dict)
    earlier: dict[int, tuple[Login, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    programs: dict[str, Spot] = field(default_factory=dict)


def carry(script: Sequence[Placed], known: Mapping[str, str], *, complete: bool = True) -> Carried:
    """Carry a script over.

    Args:
        script: all statements in order.
        known: variables of the file.
        complete: nothing is missing that could not be read and may have been a build.
    """
    reader = _Reader(script, known, complete=complete)
    for position in range(len(script)):
        reader.take(position)
    reader.finish()
    return reader.carried


class _Reader:
    def __init__(self, script: Sequence[Placed], known: Mapping[str, str], *, complete: bool):
        self.script = script
        self.known = known
        self.carried = Carried()
        self.pulled: list[tuple[int, DockerCommand]] = []
        self.logged_in: list[Login] = []
        self.sets: frozenset[str] = frozenset()
        self.knows_builds = complete
        self.handlers = {
            "build": self._build,
            "push": self._push,
            "tag": self._tag,
            "login": self._login,
        }

    def take(self, position: int) -> None:
        """Look at one statement."""
        statement = self.script[position].statement
        asked = docker_commands(statement)
        if not asked:
            self._other(position, statement)
        elif is_needless(statement, asked):
            self.carried.dropped.add(position)
        elif is_cache_pull(statement, asked):
            self.pulled.append((position, asked[0]))
        else:
            self._asked(position, statement, asked)
        self.sets |= statement.sets

    def _problem(self, position: int, line: int, what: str, hint: str) -> None:
        self.carried.problems.append(Problem(self._spot(position, line), what, hint))

    def _spot(self, position: int, line: int) -> Spot:
        spot = self.script[position].spot
        return Spot(spot.section, spot.item, line)

    def _other(self, position: int, statement: Statement) -> None:
        """Check a statement that stays: its programs must be there, and ask no daemon."""
        for line, what, hint in troubles(statement, self.known, self.sets):
            self._problem(position, line, what, hint)
        self.knows_builds &= not any(starts_docker(each) for each in statement.commands)
        self._programs(position, statement)

    def _programs(self, position: int, statement: Statement) -> None:
        for command in unknown_programs(statement):
            spot = self._spot(position, command.line)
            self.carried.programs.setdefault(command.words[0].source, spot)

    def _asked(self, position: int, statement: Statement, asked: list[DockerCommand]) -> None:
        handler = self.handlers.get(asked[0].verb)
        why = self._conditional(position, statement, asked[0])
        if handler is None or len(asked) > 1 or why:
            self.knows_builds &= not any(_BUILDS.search(docker.verb) for docker in asked)
            for docker in asked:
                if docker.verb not in NEEDLESS or len(asked) == 1:
                    self._refuse(position, docker, docker.command.context or why)
            return
        try:
            handler(position, asked[0])
            self._programs(position, statement)
        except CannotBuildError as problem:
            words = f"{asked[0].shown}: {problem}"
            hint = problem.hint or asked[0].way_out
            self._problem(position, asked[0].command.line, words, hint)

    def _refuse(self, position: int, docker: DockerCommand, where: str) -> None:
        """Say why a command is not carried over: for what it is, or for where it stands."""
        words, hint = "needs a Docker daemon", docker.way_out
        if where and docker.verb in {*self.handlers, *NEEDLESS}:
            words = f"stands {where}"
            hint = "Build without conditions, in a job that `rules` decide about."
        if docker.verb in NEEDLESS:
            hint = _NOT_NEEDED
        self._problem(position, docker.command.line, f"{docker.shown} {words}", hint)

    def _conditional(self, position: int, statement: Statement, docker: DockerCommand) -> str:
        """Say on what else a command depends; empty when it always runs."""
        piped = docker.verb == "login" and _producer(statement) is not None
        if not statement.simple or (docker.command.context and not piped):
            return docker.command.context or "in another command"
        if not statement.in_list:
            return ""
        for other in self._list_before(position):
            if (
                not docker_commands(other)
                and not (other.simple and all(command.name in STEPS for command in other.commands))
                and not _only_sets(other)
            ):
                return f"after `{short(other)} &&`"
        return ""

    def _list_before(self, position: int) -> Iterable[Statement]:
        """List what `&&` joins before a statement, as far as it stands in the same item."""
        here = self.script[position].spot
        for placed in reversed(self.script[:position]):
            same = (placed.spot.section, placed.spot.item) == (here.section, here.item)
            if not placed.statement.in_list or not same:
                return
            yield placed.statement

    def _build(self, position: int, docker: DockerCommand) -> None:
        try:
            build = read_build(docker, self.known)
            self._check_exported(position, build)
        except CannotBuildError:
            self.knows_builds = False
            raise
        image = Image(position, build, {})
        for tag in build.tags:
            self._name(image, tag)
        if build.pushes:
            image.destinations += build.tags
        self.carried.images[position] = image

    def _check_exported(self, position: int, build: DockerBuild) -> None:
        """Check that variables for `--build-arg NAME` are not those of the shell alone."""
        for placed in self.script[:position]:
            for name in sorted(placed.statement.sets & build.from_environment - set(self.known)):
                words = f"only the shell knows whether {name} is exported"
                raise CannotBuildError(words, f'Write `--build-arg {name}="${name}"`.')

    def _name(self, image: Image, word: Word) -> None:
        """Give an image a name, which no other one has any longer."""
        for other in self.carried.images.values():
            other.names.pop(identity(word), None)
        image.names[identity(word)] = word

    def _find(self, word: Word) -> Image | None:
        """Return the last image that was built with a name."""
        found = [image for image in self.carried.images.values() if identity(word) in image.names]
        return found[-1] if found else None

    def _tag(self, position: int, docker: DockerCommand) -> None:
        self._check_alone(docker, silent=True)
        if len(docker.arguments) != 2:
            raise CannotBuildError("it needs two names")
        source, target = docker.arguments
        image = self._find(source)
        if image is None:
            self._not_built(source)
            return
        self._check_name(image, position, target)
        self._name(image, target)
        self.carried.dropped.add(position)

    def _push(self, position: int, docker: DockerCommand) -> None:
        self._check_alone(docker, silent=True)
        arguments = read_arguments(docker.arguments, _PUSH)
        if arguments.problem or len(arguments.operands) != 1:
            raise CannotBuildError(arguments.problem or "it needs one name")
        name = arguments.operands[0]
        found = self._pushed(name, all_tags=arguments.has("--all-tags"))
        if not found:
            self._not_built(name)
            return
        for image, words in found:
            for word in words:
                self._check_name(image, position, word)
                self._check_between(image, position)
            self._log_in_before(image, position)
            known = {identity(word) for word in image.destinations}
            image.destinations += [word for word in words if identity(word) not in known]
        self.carried.dropped.add(position)

    def _not_built(self, name: Word) -> None:
        """Blame a name that no build has, unless there is a build that could not be read."""
        if self.knows_builds:
            raise CannotBuildError(f"this job does not build {name.source}")

    def _pushed(self, name: Word, *, all_tags: bool) -> list[tuple[Image, list[Word]]]:
        if not all_tags:
            image = self._find(name)
            return [(image, [name])] if image else []
        found = [
            (image, [word for key, word in image.names.items() if _is_tag_of(key, name)])
            for image in self.carried.images.values()
        ]
        return [(image, words) for image, words in found if words]

    def _check_name(self, image: Image, position: int, word: Word) -> None:
        """Check that a name means the same where the image is built."""
        why = word.problem or loose_problem(word, self.known, strict=False)
        if why:
            raise CannotBuildError(why, "Write it out, in double quotes.")
        for placed in self.script[image.at + 1 : position]:
            changed = sorted(placed.statement.sets & word.names)
            if changed:
                words = f"{changed[0]} is set between the build and here"
                raise CannotBuildError(words, "Set it before the build.")

    def _check_between(self, image: Image, position: int) -> None:
        """Check that nothing could stop the job between a build and its push."""
        for placed in self.script[image.at + 1 : position]:
            statement = placed.statement
            if statement.comment or docker_commands(statement):
                continue
            quiet = all(is_quiet(command) for command in statement.commands)
            if not (_only_sets(statement) or (statement.simple and quiet)):
                words = f"`{short(statement)}` stands between the build and its push"
                hint = (
                    "Push under a temporary tag, test in a job with that image, and give it its "
                    "name in a third job with `crane tag`."
                )
                raise CannotBuildError(words, hint)

    def _log_in_before(self, image: Image, position: int) -> None:
        """Move logins between a build and its push before the build, which pushes by itself."""
        between = [at for at in self.carried.logins if image.at < at < position]
        if not between:
            return
        logins = self.carried.logins[max(between)]
        for login in logins:
            for word in (login.registry, login.user, login.password):
                self._check_name(image, position, word)
        for at in between:
            del self.carried.logins[at]
            self.carried.dropped.add(at)
        self.carried.earlier[image.at] = logins

    def _login(self, position: int, docker: DockerCommand) -> None:
        self._check_alone(docker)
        producer = _producer(self.script[position].statement)
        self.logged_in.append(read_login(docker, producer))
        self.carried.logins[position] = tuple(self.logged_in)

    def _check_alone(self, docker: DockerCommand, *, silent: bool = False) -> None:
        """Check that a command has the settings of the script, and nobody reads its output."""
        check_settings(docker, self.known)
        for redirect in docker.command.redirects if silent else ():
            if not is_silence(redirect):
                raise CannotBuildError(f"`{redirect}` belongs to the output of docker")

    def finish(self) -> None:
        """Check what only the whole script shows."""
        cached = {
            identity(word)
            for image in self.carried.images.values()
            for word in image.build.cached_from
        }
        for position, docker in self.pulled:
            if docker.arguments and identity(docker.arguments[-1]) in cached:
                self.carried.dropped.add(position)
            elif self.knows_builds:  # else nobody knows what it is for
                words = f"{docker.shown} needs a Docker daemon"
                self._problem(position, docker.command.line, words, docker.way_out)
        self._check_unpushed()

    def _check_unpushed(self) -> None:
        """Check that no later build may begin with an image that only the daemon has."""
        last = max(self.carried.images, default=0)
        for position, image in self.carried.images.items():
            for word in image.unpushed if position != last else ():
                words = f"a later build may begin `FROM` {word.source}, which is not pushed"
                hint = "Push it, and name it there with its registry."
                line = self.script[position].statement.line
                self._problem(position, line, words, hint)


def _producer(statement: Statement) -> Command | None:
    """Return the command that is piped into another one."""
    commands = [each for each in statement.commands if each.context in ("", "in a pipe")]
    if len(commands) == 2 and docker_command(commands[1]):
        return commands[0]
    return None


def identity(word: Word) -> str:
    """Return the same text for words that name the same image."""
    return word.identity.removesuffix(":latest")


def _is_tag_of(found: str, name: Word) -> bool:
    return found == name.identity or found.startswith(f"{name.identity}:")


def _only_sets(statement: Statement) -> bool:
    return not statement.commands and bool(statement.sets)
