"""`parallel:`: a number of copies, or a matrix of variables."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from gitlab_ci_provider.config.keywords.fields import Field, is_blank, is_integer
from gitlab_ci_provider.config.raw import Map, Node, Seq
from gitlab_ci_provider.model.needs import MatrixItem

MAX_JOBS = 200


@dataclass(frozen=True, slots=True)
class Parallel:
    """`parallel:`; either `total` copies or the products of the matrix's items, maybe none."""

    total: int = 0
    matrix: tuple[MatrixItem, ...] = ()


def read_parallel(field: Field) -> Parallel | None:
    """Read `parallel:` of a job."""
    if isinstance(field.value, int) and is_integer(field.value):
        return _copies(field, field.value)
    if isinstance(field.value, float):
        field.refuse("must be an integer")
        return None
    if not isinstance(field.value, Map):
        field.refuse_as("should be an integer or a hash")
        return None
    return Parallel(matrix=read_matrix(field))


def _copies(field: Field, total: int) -> Parallel | None:
    if total < 1:
        field.refuse("must be greater than or equal to 1")
        return None
    if total > MAX_JOBS:
        field.refuse(f"must be less than or equal to {MAX_JOBS}")
        return None
    return Parallel(total=total)


def read_matrix(field: Field) -> tuple[MatrixItem, ...]:
    """Read `matrix:`; what is wrong gives no items."""
    field.only(("matrix",))
    matrix = field.entry("matrix")
    if matrix is None:
        field.refuse("missing required keys: matrix")
        return ()
    if not isinstance(matrix.value, Seq) or not all(_is_map(item) for item in matrix.value):
        matrix.refuse("should be an array of hashes")
        return ()
    items = [_item(item) for item in matrix.items("variables")]
    total = sum(prod(len(values) for _, values in item) for item in items if item)
    if total > MAX_JOBS:
        matrix.refuse(f"generates too many jobs (maximum is {MAX_JOBS})")
        return ()
    return tuple(item for item in items if item)


def _item(field: Field) -> MatrixItem:
    values = field.value
    if not isinstance(values, Map):
        return ()
    if not values:
        field.refuse("requires at least 1 items")
    if not all(_usable(value) for value in values.values()):
        hint = "Put decimal numbers and booleans in quotes; no value may be blank, no list empty."
        words = "should be a hash of key value pairs, value can be an array"
        field.refuse(words, hint=hint)
        return ()
    return tuple((name, _texts(value)) for name, value in values.items())


def _usable(value: Node) -> bool:
    if is_blank(value):
        return False
    if isinstance(value, Seq):
        return all(_is_alphanumeric(item) for item in value)
    return _is_alphanumeric(value)


def _is_alphanumeric(value: Node) -> bool:
    return isinstance(value, str) or is_integer(value)


def _is_map(value: Node) -> bool:
    return isinstance(value, Map)


def _texts(value: Node) -> tuple[str, ...]:
    values = value if isinstance(value, Seq) else [value]
    return tuple(str(item) for item in values)
