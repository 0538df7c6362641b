"""The runners of an installation: of its file, of an Airflow Variable, or a single built-in one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from gitlab_ci_provider.exceptions import ConfigurationFailure, SystemFailure
from gitlab_ci_provider.hooks.protected_refs import has_protected_name
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.settings import Settings

ANYWHERE = "*"
"""A namespace that a job has chosen."""

_SHOWN = 5

_log = logging.getLogger(__name__)


def built_in(settings: Settings) -> RunnerProfile:
    """Make the runner of an installation that has no file of runners; it takes every job."""
    return RunnerProfile(
        name="default",
        any_tags=True,
        connection=settings.kubernetes_conn_id,
        namespace=settings.namespace,
        image=settings.default_image,
        helper_image=settings.helper_image,
        start_timeout=settings.pod_start_timeout,
    )


def load_runners(settings: Settings) -> tuple[RunnerProfile, ...]:
    """Read the runners.

    Raises:
        SystemFailure: they cannot be read, or have errors.
    """
    found = _content(settings)
    if found is None:
        return (built_in(settings),)
    from gitlab_ci_provider.runners.file import base_of, read_runners

    name, content = found
    read = read_runners(content, name, base_of(built_in(settings)))
    if read.errors:
        listed = [str(error) for error in read.errors[:_SHOWN]]
        more = len(read.errors) - len(listed)
        rest = f" (and {more} more: see `gitlab-dags runners check`)" if more else ""
        raise ConfigurationFailure(f"the runners have errors: {'; '.join(listed)}{rest}")
    return read.runners


def runner_named(name: str, settings: Settings) -> RunnerProfile:
    """Find a runner by its name.

    Raises:
        SystemFailure: there is none, or the runners have errors.
    """
    runners = load_runners(settings)
    for runner in runners:
        if runner.name == name:
            return runner
    listed = ", ".join(runner.name for runner in runners)
    raise ConfigurationFailure(f"there is no runner '{name}', only {listed}")


Shown = Callable[[], Pipeline | None]


def slotted(
    pipeline: Pipeline, settings: Settings, project: Project, ref: Ref, shown: Shown
) -> Pipeline:
    """Say for each job of a pipeline where Airflow runs its task.

    Args:
        pipeline: that was compiled.
        settings: say where the runners are.
        project: of the pipeline.
        ref: likewise; a runner may be for protected ones only.
        shown: gives the last one of the DAG: while the runners cannot be read, jobs stay where they
            are.
    """
    if settings.runners_file is None and not settings.runners_variable:
        return pipeline
    from gitlab_ci_provider.runners.slots import with_slots

    try:
        runners = load_runners(settings)
    except SystemFailure as problem:
        _log.warning("pools and queues stay as they are: %s", problem)
        last = shown()
        known = last.slots if last else {}
        return replace(
            pipeline, slots={name: slot for name, slot in known.items() if name in pipeline.jobs}
        )
    return with_slots(pipeline, runners, project, ref)


def slots_for_sync(settings: Settings) -> Callable[[Pipeline, Project, Ref, Shown], Pipeline]:
    """Do that without a run: refs are protected by their names."""

    def with_slots_by_name(
        pipeline: Pipeline, project: Project, ref: Ref, shown: Shown
    ) -> Pipeline:
        named = replace(ref, protected=has_protected_name(ref, project, settings))
        return slotted(pipeline, settings, project, named, shown)

    return with_slots_by_name


def places(runners: Sequence[RunnerProfile]) -> tuple[tuple[str, str], ...]:
    """List where pods may be: connections and namespaces, each once."""
    fixed = ((runner.connection, runner.namespace) for runner in runners)
    chosen = ((runner.connection, ANYWHERE) for runner in runners if runner.overrides.namespace)
    return tuple(dict.fromkeys((*fixed, *chosen)))


def _content(settings: Settings) -> tuple[str, bytes] | None:
    """Read the text of the runners, and say what it is called."""
    if settings.runners_file is not None:
        try:
            return str(settings.runners_file), settings.runners_file.read_bytes()
        except OSError as problem:
            raise ConfigurationFailure(
                f"the file of runners cannot be read: {problem}"
            ) from problem
    if not settings.runners_variable:
        return None
    from airflow.sdk import Variable

    text = Variable.get(settings.runners_variable, default=None)
    if text is None:
        raise ConfigurationFailure(
            f"there is no Airflow Variable '{settings.runners_variable}' with runners"
        )
    return f"variable:{settings.runners_variable}", str(text).encode()
