"""A job that needs a Docker daemon, and the same job as an image build; or why there is none.

Unlike GitLab, where `a && docker build` may fail without failing the job, each step of such a list
becomes a statement that must succeed; and an image is pushed as soon as it is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gitlab_ci_provider.docker_builds.carry import Carried, Placed, carry, identity
from gitlab_ci_provider.docker_builds.commands import NEEDLESS, docker_commands, starts_docker
from gitlab_ci_provider.docker_builds.daemon import DIND, is_daemon, read_daemons
from gitlab_ci_provider.docker_builds.kaniko import build_script, login_script
from gitlab_ci_provider.docker_builds.kept import missing_programs
from gitlab_ci_provider.docker_builds.known import UNKNOWN, Known
from gitlab_ci_provider.docker_builds.settings import setting_problems
from gitlab_ci_provider.docker_builds.shell import Statement, read_shell
from gitlab_ci_provider.docker_builds.spots import Problem, Section, Spot
from gitlab_ci_provider.docker_builds.words import Word
from gitlab_ci_provider.image_builds.kaniko import IMAGE
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.job import Job, Script

_SOCKET = "/docker.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerJob:
    """A job that needs a Docker daemon.

    Attributes:
        at: where it first shows.
        problems: what cannot be carried over to an image build, in the order of the job.
        rewritten: the job as an image build; None when there are problems.
        changes: the commands that become others, by keyword and position; possibly none or several.
    """

    at: Spot
    problems: tuple[Problem, ...] = ()
    rewritten: Job | None = None
    changes: Mapping[tuple[Section, int], tuple[str, ...]] = field(default_factory=dict)


def read_docker_job(job: Job, *, engine: str = IMAGE, known: Known = UNKNOWN) -> DockerJob | None:
    """Recognise a job that needs a Docker daemon, and rewrite it; None when it needs none.

    Args:
        job: as compiled.
        engine: the image that builds.
        known: variables that its script sees.
    """
    items = _items(job)
    at = _first(job, items)
    if at is None:
        return None
    unread = [_not_understood(item) for item in items if item.statements is None]
    main = [placed for item in items if not item.is_after for placed in item.placed()]
    after = [placed for item in items if item.is_after for placed in item.placed()]
    complete = not any(item.statements is None for item in items if not item.is_after)
    done, done_after = carry(main, known.values, complete=complete), carry(after, known.values)
    daemons = read_daemons(job.services)
    problems = [*unread, *daemons.problems, *done.problems, *done_after.problems]
    problems += _built_after(after, done_after)
    texts_of = [(placed.spot, placed.statement.source) for placed in [*main, *after]]
    problems += setting_problems(job.services, known, texts_of)
    if not any(is_daemon(service) for service in job.services):
        problems += _left_behind(done, [*main, *after])
    programs = done.programs | done_after.programs
    if not (done.images or problems):
        problems.append(_builds_nothing(at, programs))
    elif programs and _mentions_build(main):
        problems.append(missing_programs(programs))
    if problems:
        return DockerJob(at=at, problems=tuple(sorted(problems, key=lambda each: each.spot)))
    texts = _texts(main, done, daemons.options) | _texts(after, done_after, ())
    changes = _changes(items, texts)
    return DockerJob(at=at, rewritten=_rewritten(job, engine, items, changes), changes=changes)


def _rewritten(
    job: Job,
    engine: str,
    items: Sequence[_Item],
    changes: Mapping[tuple[Section, int], tuple[str, ...]],
) -> Job:
    """Write the job: the image that builds, no daemon, and the changed script."""
    image = Image(name=engine, entrypoint=("",))
    services = tuple(service for service in job.services if not is_daemon(service))
    return replace(job, image=image, services=services, script=_script(items, changes))


@dataclass(frozen=True, slots=True)
class _Item:
    """One command of a job, as its list in the file has it."""

    spot: Spot
    text: str
    statements: tuple[Statement, ...] | None

    @property
    def is_after(self) -> bool:
        """Whether it belongs to `after_script`, which has a shell of its own."""
        return self.spot.section == "after_script"

    def placed(self) -> Iterator[Placed]:
        """List its statements with their places."""
        for statement in self.statements or ():
            yield Placed(statement, replace(self.spot, line=statement.line))


def _items(job: Job) -> list[_Item]:
    sections: tuple[tuple[Section, Sequence[str]], ...] = (
        ("before_script", job.script.before),
        ("script", job.script.main),
        ("after_script", job.script.after),
    )
    return [
        _Item(Spot(section, position), text, read_shell(text))
        for section, texts in sections
        for position, text in enumerate(texts)
    ]


def _first(job: Job, items: Sequence[_Item]) -> Spot | None:
    """Find where a job shows that it needs a daemon."""
    for position, service in enumerate(job.services):
        if DIND.search(service.image.name):
            return Spot("services", position)
    for item in items:
        for placed in item.placed():
            if any(docker.verb not in NEEDLESS for docker in docker_commands(placed.statement)):
                return placed.spot
            if any(starts_docker(command) for command in placed.statement.commands):
                return placed.spot
            if _SOCKET in placed.statement.source:
                return placed.spot
    return None


def _not_understood(item: _Item) -> Problem:
    hint = "Write it in simpler commands, or move it to a job of its own."
    return Problem(item.spot, "this command is not understood", hint)


def _mentions_build(script: Sequence[Placed]) -> bool:
    return any(
        docker.verb == "build" for placed in script for docker in docker_commands(placed.statement)
    )


def _builds_nothing(at: Spot, programs: Mapping[str, Spot]) -> Problem:
    words = "no command of its script says which image it builds"
    if programs:
        words = f"{words}: nobody can tell what `{next(iter(programs))}` does with the daemon"
    hint = "Write `docker build` into the script, or remove the service if nothing needs it."
    return Problem(at, words, hint)


def _built_after(after: Sequence[Placed], done: Carried) -> Iterator[Problem]:
    for position in (*done.images, *done.logins):
        hint = "Build in `script`."
        yield Problem(after[position].spot, "after_script also runs when the job has failed", hint)


def _left_behind(done: Carried, script: Sequence[Placed]) -> Iterator[Problem]:
    """List what stays in a daemon that outlives the job, where other jobs may look for it."""
    removed = {
        identity(word)
        for placed in script
        for docker in docker_commands(placed.statement)
        if docker.verb == "rmi"
        for word in docker.arguments
    }
    for position in sorted(done.images)[-1:]:  # of others, a later build may need it
        for word in done.images[position].unpushed:
            if identity(word) not in removed:
                words = f"{word.source} is not pushed, and stays with a daemon for other jobs"
                hint = "Push it; a build that is only a test needs no --tag."
                yield Problem(script[position].spot, words, hint)


def _texts(script: Sequence[Placed], done: Carried, registries: Sequence[Word]) -> dict[int, str]:
    """Say for each statement what takes its place, by its identity; empty for nothing."""
    found: dict[int, str] = {}
    for position, placed in enumerate(script):
        text = placed.statement.source
        if position in done.dropped or _logs_in_again(position, done):
            text = ""
        elif position in done.images:
            image = done.images[position]
            cleanup = position != max(done.images)
            build = replace(image.build, options=(*image.build.options, *registries))
            text = build_script(build, image.destinations, cleanup=cleanup)
            logins = done.earlier.get(position)
            text = f"{login_script(logins)}\n{text}" if logins else text
        elif position in done.logins:
            text = login_script(done.logins[position])
        found[id(placed.statement)] = text
    return found


def _logs_in_again(position: int, done: Carried) -> bool:
    """Return whether another login follows before anything is built."""
    later = [login for login in done.logins if login > position]
    if position not in done.logins or not later:
        return False
    return not any(position < built < min(later) for built in done.images)


def _changes(
    items: Sequence[_Item], texts: Mapping[int, str]
) -> dict[tuple[Section, int], tuple[str, ...]]:
    """List the items that change: into none where nothing is left of them."""
    changes: dict[tuple[Section, int], tuple[str, ...]] = {}
    for item in items:
        statements = item.statements or ()
        if any(texts[id(statement)] != statement.source for statement in statements):
            left = [statement for statement in statements if texts[id(statement)]]
            text = "\n".join(texts[id(statement)] for statement in left)
            empty = all(statement.comment for statement in left)
            changes[item.spot.section, item.spot.item] = () if empty else (text,)
    return changes


def _script(
    items: Sequence[_Item], changes: Mapping[tuple[Section, int], tuple[str, ...]]
) -> Script:
    made: dict[Section, list[str]] = {"before_script": [], "script": [], "after_script": []}
    for item in items:
        where = (item.spot.section, item.spot.item)
        made[item.spot.section] += changes.get(where, (item.text,))
    main = tuple(made["script"]) or ("true",)
    return Script(before=tuple(made["before_script"]), main=main, after=tuple(made["after_script"]))
