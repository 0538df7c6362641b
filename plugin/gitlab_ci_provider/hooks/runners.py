"""The runners of an installation: of its file, of an Airflow Variable, or a single built-in one."""

from __future__ import annotations

from collections.abc import Sequence

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.settings import Settings

ANYWHERE = "*"
"""A namespace that a job has chosen."""

_SHOWN = 5


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
        raise _wrong(f"the runners have errors: {'; '.join(listed)}{rest}")
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
    raise _wrong(f"there is no runner '{name}', only {listed}")


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
            raise _wrong(f"the file of runners cannot be read: {problem}") from problem
    if not settings.runners_variable:
        return None
    from airflow.sdk import Variable

    text = Variable.get(settings.runners_variable, default=None)
    if text is None:
        raise _wrong(f"there is no Airflow Variable '{settings.runners_variable}' with runners")
    return f"variable:{settings.runners_variable}", str(text).encode()


def _wrong(words: str) -> SystemFailure:
    return SystemFailure(words, reason=FailureReason.RUNNER_CONFIGURATION_ERROR)
