"""Checks before a run: jobs that do not exist, and what may run differently than expected."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.runtimes.engine.discovery import candidates
from gitlab_ci_cluster.runtimes.known import PROCESSES, RuntimeName, wanted_runtime
from gitlab_ci_provider.cli.usage import suggestion
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.state import is_running, read_runtime
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.variables.expand import expand_known

_MANY = 3


def check_jobs(pipeline: Pipeline, wanted: Collection[str]) -> None:
    """Refuse jobs that the pipeline does not have.

    Raises:
        SourceError: there is no such job; the message suggests another.
    """
    _check("job", wanted, pipeline.jobs)


def check_stages(pipeline: Pipeline, wanted: Collection[str]) -> None:
    """Refuse stages that the pipeline does not have.

    Raises:
        SourceError: there is no such stage; the message suggests another.
    """
    _check("stage", wanted, pipeline.stages)


def _check(what: str, wanted: Collection[str], known: Collection[str]) -> None:
    for name in wanted:
        if name not in known:
            raise SourceError(f"no {what} named '{name}'{suggestion(name, known)}")


def matching_jobs(pipeline: Pipeline, wanted: Collection[str]) -> list[str]:
    """List the jobs that names and patterns mean: `*` is any text.

    Raises:
        SourceError: there is no such job.
    """
    found: dict[str, None] = {}
    for name in wanted:
        meant = [name] if name in pipeline.jobs else fnmatch.filter(pipeline.jobs, name)
        if not meant:
            check_jobs(pipeline, [name])
        found |= dict.fromkeys(meant)
    return list(found)


def warnings(path: Path) -> Iterator[str]:
    """Describe what is not part of the run."""
    from gitlab_ci_provider.sources.git import uncommitted_changes

    changes = uncommitted_changes(path) if path.is_dir() else 0
    if changes:
        one = changes == 1
        what = "1 uncommitted change is" if one else f"{changes} uncommitted changes are"
        it = "it" if one else "them"
        yield f"{what} not in this run; commit {it}, or run {it} with --worktree"


def runs_without_images(home: Home, runtime: RuntimeName = "auto") -> bool:
    """Return whether jobs run here without their images, as far as that is known before a start.

    A running stack knows. Otherwise only an engine that may be there leaves it open: whether it
    works is found out by running a container with it.
    """
    if is_running(home):
        return read_runtime(home) in PROCESSES
    try:
        wanted = wanted_runtime(runtime)
    except ClusterError:  # a start says so
        return False
    engine = next(candidates(os.environ, home.cluster / "engine.sock"), None)
    return wanted in PROCESSES or (wanted == "auto" and engine is None)


def image_warnings(pipelines: Iterable[Pipeline]) -> Iterator[str]:
    """Describe what a runtime without images does not honour."""
    pipelines = tuple(pipelines)
    if images := dict.fromkeys(name for pipeline in pipelines for name in _images(pipeline)):
        listed = _listed(list(images))
        yield f"images are not used: jobs run with this machine's programs, not {listed}"
    if services := dict.fromkeys(name for pipeline in pipelines for name in _services(pipeline)):
        yield (
            "services without `command` or `entrypoint` do not run on this machine, their jobs "
            f"fail: {_listed(list(services))}"
        )


def _services(pipeline: Pipeline) -> list[str]:
    """List the services of which only their image knows what to run."""
    named = [
        f"{service.image.name} of {job.name}"
        for job in pipeline.jobs.values()
        for service in job.services
        if not (service.command or any(service.image.entrypoint or ()))
    ]
    return list(dict.fromkeys(named))


def _images(pipeline: Pipeline) -> list[str]:
    """List the images of all jobs; variables that only the run knows stay as they are written."""
    named: list[str] = []
    for job in pipeline.jobs.values():
        images = [job.image] if job.image is not None else []
        images += [service.image for service in job.services]
        known = job.variables.as_dict()
        named += [expand_known(image.name, known) for image in images]
    return list(dict.fromkeys(named))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
    return f"{', '.join(names[:_MANY])}{more}"
