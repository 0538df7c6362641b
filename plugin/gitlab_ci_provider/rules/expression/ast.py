"""Nodes of a `rules:if` expression."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Operator = Literal["==", "!=", "=~", "!~", "&&", "||"]


class Constant(NamedTuple):
    """A text, or `null`."""

    value: str | None


class VariableName(NamedTuple):
    """`$NAME`."""

    name: str


class Pattern(NamedTuple):
    """`/regex/flags`, escaped slashes already plain."""

    source: str


class Operation(NamedTuple):
    """Two operands and what joins them."""

    operator: Operator
    left: Expression
    right: Expression


Expression: TypeAlias = "Constant | VariableName | Pattern | Operation"
