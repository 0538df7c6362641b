"""`needs:` between jobs of the file to needs between instances."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gitlab_ci_provider.compiler.parallel import instance_name, legs_of
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.needs import MatrixItem, Need

MATRIX_VALUE = re.compile(r"\$\[\[\s*matrix\.([\w-]+)\s*\]\]")


def connect(jobs: Mapping[str, Job], groups: Mapping[str, Sequence[str]]) -> dict[str, Job]:
    """Point every need at instances; needs of jobs that do not exist stay as they are.

    As in GitLab, `rules:needs` must name instances themselves.

    `groups` are the names of the instances of each parallel job.
    """
    return {name: _connect(job, groups) for name, job in jobs.items()}


def _connect(job: Job, groups: Mapping[str, Sequence[str]]) -> Job:
    needs = _instances(job, job.needs, groups) if job.needs else job.needs
    dependencies = job.dependencies
    if dependencies:
        named = (groups.get(name, [name]) for name in dependencies)
        dependencies = tuple(name for names in named for name in names)
    if (needs, dependencies) == (job.needs, job.dependencies):
        return job
    return replace(job, needs=needs, dependencies=dependencies)


def _instances(
    job: Job, needs: Sequence[Need], groups: Mapping[str, Sequence[str]]
) -> tuple[Need, ...]:
    found: list[Need] = []
    values = job.own_variables.as_dict()
    for written in needs:
        need = replace(written, job=_text(written.job, values))
        names = _names(need, values, groups)
        found.extend(replace(need, job=name, matrix=()) for name in names)
    return tuple(found)


def _names(
    need: Need, values: Mapping[str, str], groups: Mapping[str, Sequence[str]]
) -> Sequence[str]:
    if need.matrix and need.job in groups:
        legs = legs_of(tuple(_filled(item, values) for item in need.matrix))
        return [instance_name(need.job, leg) for leg in legs]
    return groups.get(need.job, [need.job])


def _filled(item: MatrixItem, values: Mapping[str, str]) -> MatrixItem:
    """Put the needing instance's own matrix values where `$[[ matrix.X ]]` asks for them."""
    return tuple(
        (name, tuple(_text(choice, values) for choice in choices)) for name, choices in item
    )


def _text(text: str, values: Mapping[str, str]) -> str:
    return MATRIX_VALUE.sub(lambda found: values.get(found[1], found[0]), text)
