"""Warnings of keywords that are not honoured fully: nothing is dropped silently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.support import limits


def check_support(jobs: Iterable[Job]) -> Iterator[Diagnostic]:
    """Warn of keywords that are not honoured fully, once for each job and keyword."""
    for job in jobs:
        for limit in limits(job):
            words = f"{job.name} job: {limit.keyword} is not supported: {limit.effect}"
            yield warning("keyword-unsupported", words, job.location)
