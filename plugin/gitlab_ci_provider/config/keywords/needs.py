"""`needs:`: jobs of this pipeline, of the parent, of other projects."""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.config.keywords.fields import Field, boolean, text
from gitlab_ci_provider.config.keywords.parallel import read_matrix
from gitlab_ci_provider.config.raw import Map, Seq
from gitlab_ci_provider.model.needs import CrossNeed, Need

JOB_KEYS = ("job", "artifacts", "optional", "parallel")
PROJECT_KEYS = ("project", "ref", "job", "artifacts")
PIPELINE_KEYS = ("pipeline", "job", "artifacts")
MAX_CROSS_NEEDS = 5

Needs = tuple[tuple[Need, ...], tuple[CrossNeed, ...]]


def read_needs(field: Field) -> Needs | None:
    """Read `needs:`: edges of this pipeline, and artifacts of others."""
    if not isinstance(field.value, Seq | Map | str):
        field.refuse("can only be a hash or an array")
        return None
    needs: list[Need] = []
    crossing: list[CrossNeed] = []
    for item in _items(field):
        read = _need(item)
        if isinstance(read, Need):
            needs.append(read)
        elif read:
            crossing.append(read)
    if sum(need.project is not None for need in crossing) > MAX_CROSS_NEEDS:
        field.refuse(f"must be less than or equal to {MAX_CROSS_NEEDS}", "needs-too-many")
    return tuple(needs), tuple(crossing)


def _items(field: Field) -> Iterator[Field]:
    """Give the entries; nested lists come from references, nulls are no needs."""
    label = f"{field.label}:need"
    if not isinstance(field.value, Seq):
        yield Field(field.value, label, f"{label} config", field.mark, field.report)
        return
    for position, value in enumerate(field.value):
        item = Field(value, field.label, field.subject, field.value.place(position), field.report)
        if value is not None:
            yield from _items(item)


def _need(field: Field) -> Need | CrossNeed | None:
    if isinstance(field.value, str):
        return Need(job=field.value)
    if not isinstance(field.value, Map):
        field.refuse_as("has an unsupported type")
        return None
    if "project" in field.value:
        return _project_need(field)
    if "pipeline" in field.value:
        return _pipeline_need(field)
    return _job_need(field)


def _job_need(field: Field) -> Need | None:
    field.only(JOB_KEYS)
    job = field.get("job", text)
    if not job:
        field.refuse("job can't be blank")
        return None
    parallel = field.entry("parallel")
    return Need(
        job=job,
        artifacts=field.get("artifacts", boolean) is not False,
        optional=field.get("optional", boolean) or False,
        matrix=read_matrix(parallel) if parallel else (),
    )


def _project_need(field: Field) -> CrossNeed | None:
    field.only(PROJECT_KEYS)
    for key in ("project", "job", "ref"):
        if isinstance(field.value, Map) and not field.value.get(key):
            field.refuse(f"{key} can't be blank")
    return CrossNeed(
        job=field.get("job", text),
        project=field.get("project", text),
        ref=field.get("ref", text),
        artifacts=field.get("artifacts", boolean) is not False,
    )


def _pipeline_need(field: Field) -> CrossNeed | None:
    field.only(PIPELINE_KEYS)
    return CrossNeed(
        job=field.get("job", text),
        pipeline=field.get("pipeline", text),
        artifacts=field.get("artifacts", boolean) is not False,
    )
