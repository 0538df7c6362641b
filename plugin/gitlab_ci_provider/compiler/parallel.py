"""`parallel:`: one job of the file to its instances, named as GitLab names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from gitlab_ci_provider.config.keywords.job import JobConfig
from gitlab_ci_provider.model.job import Job, ParallelIndex
from gitlab_ci_provider.model.needs import MatrixItem
from gitlab_ci_provider.model.variables import Variable, Variables


def instances(config: JobConfig) -> list[Job]:
    """List the instances of a job; itself when it is not parallel."""
    parallel, job = config.parallel, config.job
    if parallel is None:
        return [job]
    if parallel.total:
        return [
            replace(
                job,
                name=f"{job.name} {index}/{parallel.total}",
                parallel=ParallelIndex(index=index, total=parallel.total),
            )
            for index in range(1, parallel.total + 1)
        ]
    legs = list(legs_of(parallel.matrix))
    return [_leg(job, leg, index, len(legs)) for index, leg in enumerate(legs, start=1)]


def legs_of(matrix: tuple[MatrixItem, ...]) -> Iterator[tuple[tuple[str, str], ...]]:
    """Multiply out each item of a matrix, in the order of the file."""
    for item in matrix:
        names = [name for name, _ in item]
        for values in product(*(choices for _, choices in item)):
            yield tuple(zip(names, values, strict=True))


def instance_name(job: str, leg: tuple[tuple[str, str], ...]) -> str:
    """Name one instance of a matrix job."""
    return f"{job}: [{', '.join(value for _, value in leg)}]"


def _leg(job: Job, leg: tuple[tuple[str, str], ...], index: int, total: int) -> Job:
    matrix = Variables(Variable(name=name, value=value) for name, value in leg)
    return replace(
        job,
        name=instance_name(job.name, leg),
        own_variables=job.own_variables | matrix,
        parallel=ParallelIndex(index=index, total=total, matrix=True),
    )
