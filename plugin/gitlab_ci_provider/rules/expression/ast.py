"""Nodes of a `rules:if` expression."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Operator = Literal["==", "!=", "=~", "!~", "&&", "||"]


class Constant(NamedTuple):
    """A text, a boolean or `null`."""

    value: str | bool | None


class VariableName(NamedTuple):
    """`$NAME`."""

    name: str


class InputName(NamedTuple):
    """`$[[ inputs.name ]]`, in the rules of an input."""

    name: str


class Pattern(NamedTuple):
    """`/regex/flags`, escaped slashes already plain."""

    source: str


class Operation(NamedTuple):
    """Two operands and what joins them."""

    operator: Operator
    left: Expression
    right: Expression


Expression: TypeAlias = "Constant | VariableName | InputName | Pattern | Operation"


def input_names(node: Expression) -> tuple[str, ...]:
    """Return the inputs that an expression names, each once, in order."""
    if isinstance(node, Operation):
        return tuple(dict.fromkeys((*input_names(node.left), *input_names(node.right))))
    return (node.name,) if isinstance(node, InputName) else ()
