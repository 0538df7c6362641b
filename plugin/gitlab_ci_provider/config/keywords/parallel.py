"""`parallel:`: a number of copies, or a matrix of variables."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from gitlab_ci_provider.config.keywords.fields import Field, is_integer
from gitlab_ci_provider.config.raw import Map, Node, Seq
from gitlab_ci_provider.config.scalars import to_ruby_text
from gitlab_ci_provider.model.needs import MatrixItem

MAX_JOBS = 200


@dataclass(frozen=True, slots=True)
class Parallel:
    """`parallel:`; either `total` copies or the products of the matrix's items."""

    total: int = 0
    matrix: tuple[MatrixItem, ...] = ()


def read_parallel(field: Field) -> Parallel | None:
    """Read `parallel:` of a job."""
    if isinstance(field.value, int) and is_integer(field.value):
        return _copies(field, field.value)
    if not isinstance(field.value, Map):
        field.refuse_as("should be an integer or a hash")
        return None
    matrix = read_matrix(field)
    return Parallel(matrix=matrix) if matrix else None


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
    if not isinstance(matrix.value, Seq) or not matrix.value:
        matrix.refuse("should be an array of hashes")
        return ()
    items = [_item(item) for item in matrix.items()]
    total = sum(prod(len(values) for _, values in item) for item in items if item)
    if total > MAX_JOBS:
        matrix.refuse(f"generates too many jobs (maximum is {MAX_JOBS})")
        return ()
    return tuple(item for item in items if item)


def _item(field: Field) -> MatrixItem:
    values = field.value
    if not isinstance(values, Map) or not values:
        field.refuse("should be an array of hashes")
        return ()
    if not all(_usable(value) for value in values.values()):
        field.refuse("should be a hash of key value pairs, value can be an array")
        return ()
    return tuple((name, _texts(value)) for name, value in values.items())


def _usable(value: Node) -> bool:
    if isinstance(value, Seq):
        return bool(value) and all(_is_scalar(item) for item in value)
    return _is_scalar(value)


def _is_scalar(value: Node) -> bool:
    return isinstance(value, bool | int | float | str)


def _texts(value: Node) -> tuple[str, ...]:
    values = value if isinstance(value, Seq) else [value]
    return tuple(
        to_ruby_text(item) for item in values if isinstance(item, bool | int | float | str)
    )
