"""Jobs that need a Docker daemon: why that is a bad idea, and what ties them to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.keywords.job import JobConfig
from gitlab_ci_provider.config.raw import Map, Mark, Node, Seq
from gitlab_ci_provider.docker_builds.rewrite import DockerJob, read_docker_job
from gitlab_ci_provider.docker_builds.spots import Spot
from gitlab_ci_provider.model.diagnostic import Diagnostic, SourceLocation, warning
from gitlab_ci_provider.variables.precedence import yaml_variables

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
            yield from _explain(entry, found)


def docker_job(config: CiConfig, entry: JobConfig) -> DockerJob | None:
    """Recognise a job that needs a Docker daemon."""
    if entry.job.bridge is not None:
        return None
    return read_docker_job(
        replace(entry.job, variables=yaml_variables(entry.job, config.variables))
    )


def _explain(entry: JobConfig, found: DockerJob) -> Iterator[Diagnostic]:
    words = f"{entry.job.name} job: it needs a Docker daemon: {_REASONS}"
    hint = _FIRST if found.problems else _PRINT
    yield warning("docker-in-docker", words, place_of(entry.raw, found.at), hint)
    for problem in found.problems:
        words = f"{entry.job.name} job: {problem.what}"
        yield warning("docker-command", words, place_of(entry.raw, problem.spot), problem.hint)


def place_of(raw: Map, spot: Spot) -> SourceLocation:
    """Find the line of a command; lists in lists are flattened as the script is."""
    marks = _marks(raw.get(spot.section), raw.place(spot.section))
    mark = marks[spot.item] if spot.item < len(marks) else raw.place(spot.section)
    below = 1 + spot.line if mark.literal else 0
    return replace(mark.location(), line=mark.line + below, column=1 if below else mark.column)


def _marks(node: Node, mark: Mark) -> list[Mark]:
    if not isinstance(node, Seq):
        return [mark]
    return [each for at, item in enumerate(node) for each in _marks(item, node.place(at))]
