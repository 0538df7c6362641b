"""Jobs that need a Docker daemon: why that is a bad idea, and what ties them to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.keywords.job import JobConfig
from gitlab_ci_provider.config.raw import Map, Mark, Node, Seq
from gitlab_ci_provider.docker_builds.known import Setting, known_in_file
from gitlab_ci_provider.docker_builds.rewrite import DockerJob, read_docker_job
from gitlab_ci_provider.docker_builds.spots import Section, Spot
from gitlab_ci_provider.linter.places import flat_rules, place
from gitlab_ci_provider.model.diagnostic import Diagnostic, SourceLocation, warning
from gitlab_ci_provider.variables.precedence import inherited, yaml_variables

_REASONS = (
    "(1) its pod must be privileged, so that the job can take over its node; (2) the daemon starts "
    "without any layers, so that nothing from earlier builds is used again; (3) each job waits for "
    "a daemon to start, which stores layers in a file system inside another one"
)
_PRINT = "`gitlab-dags lint --fix` prints a patch that makes it an image build without a daemon."
_FIRST = "It needs no daemon once the warnings `docker-command` of this job are mended."


def check_docker_builds(config: CiConfig) -> Iterator[Diagnostic]:
    """Explain each job that needs a Docker daemon, and each command that ties it to one."""
    for entry in config.jobs.values():
        found = docker_job(config, entry)
        if found is not None:
            yield from _explain(config, entry, found)


def docker_job(config: CiConfig, entry: JobConfig) -> DockerJob | None:
    """Recognise a job that needs a Docker daemon."""
    if entry.job.bridge is not None:
        return None
    job = replace(entry.job, variables=yaml_variables(entry.job, config.variables))
    known = known_in_file(job.variables.as_dict(), _decided(config, entry))
    return read_docker_job(job, known=known)


def _decided(config: CiConfig, entry: JobConfig) -> Iterator[Setting]:
    """List the variables that rules or a matrix decide about."""
    job = entry.job
    shared = [inherited(job, rule.variables).as_dict() for rule in config.workflow.rules or ()]
    for item, values in enumerate(shared):
        left = values.keys() - job.own_variables.names
        yield from _settings("workflow", item, ((name, values[name]) for name in left))
    for item, rule in enumerate(job.rules or ()):
        yield from _settings("rules", item, rule.variables.as_dict().items())
    for item, choices in enumerate(entry.parallel.matrix if entry.parallel else ()):
        pairs = ((name, text) for name, texts in choices for text in texts)
        yield from _settings("parallel", item, pairs)


def _settings(section: Section, item: int, pairs: Iterable[tuple[str, str]]) -> Iterator[Setting]:
    return ((Spot(section, item, name=name), value) for name, value in pairs)


def _explain(config: CiConfig, entry: JobConfig, found: DockerJob) -> Iterator[Diagnostic]:
    words = f"{entry.job.name} job: it needs a Docker daemon: {_REASONS}"
    hint = _FIRST if found.problems else _PRINT
    yield warning("docker-in-docker", words, place_of(config, entry, found.at), hint)
    for problem in found.problems:
        words = f"{entry.job.name} job: {problem.what}"
        yield warning("docker-command", words, place_of(config, entry, problem.spot), problem.hint)


def place_of(config: CiConfig, entry: JobConfig, spot: Spot) -> SourceLocation:
    """Find the line of a variable or a command."""
    if spot.name:
        return _place_of_variable(config, entry, spot)
    return _place_of_command(entry.raw, spot)


def _place_of_variable(config: CiConfig, entry: JobConfig, spot: Spot) -> SourceLocation:
    own, item = entry.raw, spot.item
    if spot.section == "parallel":
        return place(own, "parallel", "matrix", item, spot.name)
    if spot.section == "variables":
        tree = own if spot.name in entry.job.own_variables.names else config.tree
        return place(tree, "variables", spot.name)
    owner = own if spot.section == "rules" else config.tree.get("workflow")
    written = flat_rules(owner.get("rules")) if isinstance(owner, Map) else []
    rule = written[item][0] if item < len(written) else None
    return place(rule if isinstance(rule, Map) else own, "variables", spot.name)


def _place_of_command(raw: Map, spot: Spot) -> SourceLocation:
    """Find the line of a command; lists in lists are flattened as the script is."""
    marks = _marks(raw.get(spot.section), raw.place(spot.section))
    mark = marks[spot.item] if spot.item < len(marks) else raw.place(spot.section)
    below = 1 + spot.line if mark.literal else 0
    return replace(mark.location(), line=mark.line + below, column=1 if below else mark.column)


def _marks(node: Node, mark: Mark) -> list[Mark]:
    if not isinstance(node, Seq):
        return [mark]
    return [each for at, item in enumerate(node) for each in _marks(item, node.place(at))]
