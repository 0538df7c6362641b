"""`needs:`: jobs of this pipeline, of the parent, of other projects."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from gitlab_ci_provider.config.keywords.fields import (
    Field,
    boolean,
    flat,
    is_blank,
    is_integer,
    text,
)
from gitlab_ci_provider.config.keywords.parallel import read_matrix
from gitlab_ci_provider.config.raw import Map, Node, Seq
from gitlab_ci_provider.model.needs import CrossNeed, MatrixItem, Need

JOB_KEYS = ("job", "artifacts", "optional", "parallel")
PROJECT_KEYS = ("project", "ref", "job", "artifacts")
PIPELINE_KEYS = ("pipeline", "job", "artifacts", "optional")
MAX_CROSS_NEEDS = 5
JOBS_ONLY = ("job",)
JOB_NEEDS = ("job", "cross_dependency")
BRIDGE_NEEDS = ("job", "bridge")

_NEED = "Write the name of a job, or a mapping with `job`, `project` or `pipeline`."

Needs = tuple[tuple[Need, ...], tuple[CrossNeed, ...]]


def read_needs(field: Field, allowed: Collection[str] = JOB_NEEDS) -> Needs | None:
    """Read `needs:`: edges of this pipeline, and artifacts of others.

    `allowed` are GitLab's names of the kinds of needs that this place accepts.
    """
    if not isinstance(field.value, Seq | Map):
        field.refuse("can only be a Hash or an Array")
        return None
    if field.value == {}:
        field.refuse("can not be an empty Hash")
        return None
    needs: list[Need] = []
    crossing: list[CrossNeed] = []
    for item in _items(field):
        read = _need(item)
        if isinstance(read, Need):
            needs.append(read)
        elif read:
            crossing.append(read)
    accepted = _check(field, crossing, allowed)
    return (tuple(needs), tuple(crossing)) if accepted else None


def _check(field: Field, crossing: Sequence[CrossNeed], allowed: Collection[str]) -> bool:
    """Check the needs together; return whether this place accepts all kinds of them."""
    if any(_copies(item) for item in flat(field.value)):
        field.refuse('cannot use "parallel: <number>".')
    kinds = dict.fromkeys(_kind(need) for need in crossing)
    extra = [kind for kind in kinds if kind not in allowed]
    if extra:
        field.refuse(f"uses invalid types: {', '.join(extra)}")
    projects = sum(need.project is not None for need in crossing)
    if max(projects, len(crossing) - projects) > MAX_CROSS_NEEDS:
        field.refuse(f"must be less than or equal to {MAX_CROSS_NEEDS}", "needs-too-many")
    return not extra


def _copies(need: Node) -> bool:
    return isinstance(need, Map) and is_integer(need.get("parallel"))


def _kind(need: CrossNeed) -> str:
    return "bridge" if need.pipeline and not need.job else "cross_dependency"


def _items(field: Field) -> Iterator[Field]:
    """Yield the entries; nested lists come from references, nulls are left out."""
    label = f"{field.label}:need"
    if not isinstance(field.value, Seq):
        yield Field(field.value, label, f"{label} config", field.mark, field.diagnostics)
        return
    for position, value in enumerate(field.value):
        item = Field(
            value, field.label, field.subject, field.value.place(position), field.diagnostics
        )
        if value is not None:
            yield from _items(item)


def _need(field: Field) -> Need | CrossNeed | None:
    if isinstance(field.value, str):
        return _named_need(field, field.value)
    if not isinstance(field.value, Map):
        field.refuse_as("has an unsupported type", hint=_NEED)
        return None
    if "project" in field.value:
        return _project_need(field)
    if "pipeline" in field.value:
        return _pipeline_need(field)
    if "job" in field.value:
        return _job_need(field)
    field.refuse_as("has an unsupported type", hint=_NEED)
    return None


def _named_need(field: Field, name: str) -> Need | None:
    if is_blank(name):
        field.refuse("can't be blank")
        return None
    return Need(job=name)


def _job_need(field: Field) -> Need | None:
    field.only(JOB_KEYS)
    _check_texts(field, ("job",))
    job = field.get("job", text)
    if not job:
        return None
    parallel = field.entry("parallel")
    return Need(
        job=job,
        artifacts=field.get("artifacts", boolean) is not False,
        optional=field.get("optional", boolean) or False,
        matrix=_matrix(parallel) if parallel else (),
    )


def _matrix(field: Field) -> tuple[MatrixItem, ...]:
    if is_integer(field.value):
        return ()
    if isinstance(field.value, Map):
        return read_matrix(field)
    field.refuse_as("should be an integer or a hash")
    return ()


def _project_need(field: Field) -> CrossNeed | None:
    field.only(PROJECT_KEYS)
    _check_texts(field, ("project", "job", "ref"))
    return CrossNeed(
        job=field.get("job", text),
        project=field.get("project", text),
        ref=field.get("ref", text),
        artifacts=field.get("artifacts", boolean) is not False,
    )


def _pipeline_need(field: Field) -> CrossNeed | None:
    field.only(PIPELINE_KEYS)
    written = field.value if isinstance(field.value, Map) else ()
    _check_texts(field, [key for key in ("pipeline", "job") if key in written])
    return CrossNeed(
        job=field.get("job", text),
        pipeline=field.get("pipeline", text),
        artifacts=field.get("artifacts", boolean) is not False,
        optional=field.get("optional", boolean) or False,
    )


def _check_texts(field: Field, keys: Sequence[str]) -> None:
    """Report texts that are missing, both in the words for types and in those for blanks."""
    for key in keys:
        value = field.value.get(key) if isinstance(field.value, Map) else None
        if value is None:
            field.refuse_as(f"{key} should be a string")
        if is_blank(value):
            field.refuse_as(f"{key} can't be blank")
