"""What a person should know before a run: what is not in it, and what is not honoured."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from gitlab_ci_provider.cli.suggest import suggestion
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.pipeline import Pipeline

_MANY = 3


def check_jobs(pipeline: Pipeline, wanted: Collection[str]) -> None:
    """Refuse jobs that there are not.

    Raises:
        SourceError: there is no such job; the message says what may have been meant.
    """
    for job in wanted:
        if job not in pipeline.jobs:
            raise SourceError(f"no job named '{job}'{suggestion(job, pipeline.jobs)}")


def notices(path: Path, pipeline: Pipeline) -> Iterator[str]:
    """Say what is not part of the run."""
    from gitlab_ci_provider.sources.git import uncommitted_changes

    changes = uncommitted_changes(path) if path.is_dir() else 0
    if changes:
        yield f"not in this run: {changes} uncommitted changes; commit them to run them"
    if images := _images(pipeline):
        yield (f"images are not honoured, jobs run with this machine's programs: {_listed(images)}")


def _images(pipeline: Pipeline) -> list[str]:
    named = [job.image.name for job in pipeline.jobs.values() if job.image is not None]
    return list(dict.fromkeys(named))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
    return f"{', '.join(names[:_MANY])}{more}"
