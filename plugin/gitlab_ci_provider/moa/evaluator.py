"""The value of a Moa expression.

Source: GitLab docs, Moa expression language: no implicit conversions, `&&` and `||` give one of
their operands, values of different types differ.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from gitlab_ci_provider.moa.ast import (
    Array,
    Binary,
    Call,
    Literal,
    Member,
    MoaError,
    Name,
    Node,
    Object,
    Template,
    Unary,
)


def evaluate(node: Node, context: Mapping[str, object]) -> object:
    """Return the value of a tree.

    Raises:
        MoaError: a name is unknown, or a value is of the wrong type.
    """
    return _EVALUATORS[type(node)](node, context)


def to_text(value: object) -> str:
    """Write a value as text, as `str()` does."""
    if value is None:
        return "<null>"
    if isinstance(value, str):
        return value
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def _plain(value: object) -> object:
    """Write whole numbers without a fraction, at any depth."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _joined(values: list[object]) -> object:
    """Join the parts of a template; one value alone keeps its type."""
    return values[0] if len(values) == 1 else "".join(map(to_text, values))


def _named(name: str, context: Mapping[str, object]) -> object:
    if name not in context:
        raise MoaError(f"'{name}' is not available here")
    return context[name]


def _member(value: object, key: object) -> object:
    if isinstance(value, Mapping) and isinstance(key, str):
        if key in value:
            return value[key]
        known = ", ".join(map(str, value)) or "-"
        raise MoaError(f"attribute '{key}' not found; available: {known}")
    if isinstance(value, list | tuple) and _is_number(key):
        if key == int(key) and 0 <= key < len(value):
            return value[int(key)]
        raise MoaError(f"index {to_text(key)} is out of range")
    raise MoaError(f"{kind(value)} has no member {to_text(key)}")


def _unary(operator: str, value: object) -> object:
    if operator == "!":
        return not value
    number = _number(operator, value)
    return -number if operator == "-" else number


def _binary(node: Binary, context: Mapping[str, object]) -> object:
    left = evaluate(node.left, context)
    if node.operator == "&&":
        return evaluate(node.right, context) if left else left
    if node.operator == "||":
        return left or evaluate(node.right, context)
    right = evaluate(node.right, context)
    if node.operator in _COMPARISONS:
        return _COMPARISONS[node.operator](_compare(left, right))
    return _calculate(node.operator, left, right)


def _calculate(operator: str, left: object, right: object) -> object:
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    first, second = _number(operator, left), _number(operator, right)
    if operator in "/%" and second == 0:
        raise MoaError("division by zero")
    result = _ARITHMETIC[operator](first, second)
    if not math.isfinite(result):
        raise MoaError(f"{operator}: the result is too large")
    return result


def _number(operator: str, value: object) -> float:
    if not _is_number(value):
        raise MoaError(f"{operator} cannot be used with {kind(value)}")
    try:
        return float(value)
    except OverflowError as error:
        raise MoaError(f"{operator}: the number is too large") from error


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _compare(left: object, right: object) -> int:
    """Order two values: by kind, then by value."""
    first, second = _ordered(left), _ordered(right)
    return (first > second) - (first < second)


def _ordered(value: object) -> tuple[object, ...]:
    """Make a key that sorts as Moa does."""
    rank = _KINDS.index(kind(value))
    if isinstance(value, str):
        return rank, value.encode()
    if isinstance(value, list | tuple):
        return rank, tuple(_ordered(item) for item in value)
    if isinstance(value, Mapping):
        keys = sorted(value)
        return rank, len(keys), tuple(keys), tuple(_ordered(value[key]) for key in keys)
    return (rank,) if value is None else (rank, value)


def kind(value: object) -> str:
    """Name the type of a value in Moa's words."""
    if isinstance(value, list | tuple):
        return "array"
    if isinstance(value, Mapping):
        return "object"
    return _NAMES.get(type(value), "object")


def _pair(key: Node, value: Node, context: Mapping[str, object]) -> tuple[str, object]:
    name = evaluate(key, context)
    if not isinstance(name, str):
        raise MoaError(f"the key of an object must be a string, not {kind(name)}")
    return name, evaluate(value, context)


def _call(function: str, values: list[object]) -> object:
    if function not in _FUNCTIONS:
        raise MoaError(f"there is no function {function}(); available: {', '.join(_FUNCTIONS)}")
    if len(values) != 1:
        raise MoaError(f"{function}() takes one value, not {len(values)}")
    return _FUNCTIONS[function](values[0])


def _to_number(value: object) -> object:
    if not isinstance(value, str):
        return _number("num()", value)
    try:
        number = float(value)
    except ValueError as error:
        raise MoaError(f"num(): '{value}' is not a number") from error
    if not math.isfinite(number) or "_" in value:
        raise MoaError(f"num(): '{value}' is not a number")
    return number


_FUNCTIONS: dict[str, Callable[[object], object]] = {
    "str": to_text,
    "num": _to_number,
    "bool": bool,
}
_EVALUATORS: dict[type[Node], Callable[[Any, Mapping[str, object]], object]] = {
    Literal: lambda node, _: node.value,
    Name: lambda node, context: _named(node.name, context),
    Member: lambda node, context: _member(evaluate(node.of, context), evaluate(node.key, context)),
    Unary: lambda node, context: _unary(node.operator, evaluate(node.operand, context)),
    Binary: _binary,
    Array: lambda node, context: [evaluate(item, context) for item in node.items],
    Object: lambda node, context: dict(_pair(key, value, context) for key, value in node.pairs),
    Call: lambda node, context: _call(
        node.function, [evaluate(a, context) for a in node.arguments]
    ),
    Template: lambda node, context: _joined([evaluate(part, context) for part in node.parts]),
}
_KINDS = ("null", "boolean", "number", "string", "array", "object")
_NAMES = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string"}
_COMPARISONS: dict[str, Callable[[int], bool]] = {
    "==": lambda order: order == 0,
    "!=": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda first, second: first + second,
    "-": lambda first, second: first - second,
    "*": lambda first, second: first * second,
    "/": lambda first, second: first / second,
    "%": math.fmod,
}
