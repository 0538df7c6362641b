"""A `rules:if` expression and variables to a truth value.

Values are texts, booleans or null, and `&&` and `||` give one of their operands back, as in Ruby:
an empty text is a true operand, and only the final result is tested for blankness.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gitlab_ci_provider.rules.expression.ast import (
    Constant,
    Expression,
    InputName,
    Operation,
    Pattern,
    VariableName,
)
from gitlab_ci_provider.rules.expression.parser import parse
from gitlab_ci_provider.rules.expression.regex import compile_pattern

Value = str | bool | Pattern | None


def is_true(
    expression: str, variables: Mapping[str, str], inputs: Mapping[str, object] | None = None
) -> bool:
    """Evaluate an expression over unexpanded variables, and inputs where there are some.

    Raises:
        ExpressionError: the text is not an expression.
    """
    return truthful(_evaluate(parse(expression), _Scope(variables, inputs or {})))


def evaluate(node: Expression, variables: Mapping[str, str]) -> Value:
    """Return the value of a parsed expression."""
    return _evaluate(node, _Scope(variables, {}))


def truthful(value: Value) -> bool:
    """Return whether a value counts as true: blank texts do not."""
    return bool(value.strip()) if isinstance(value, str) else bool(value)


class _Scope(NamedTuple):
    variables: Mapping[str, str]
    inputs: Mapping[str, object]


def _evaluate(node: Expression, scope: _Scope) -> Value:
    if isinstance(node, Operation):
        return _operate(node, scope)
    if isinstance(node, VariableName):
        return scope.variables.get(node.name)
    if isinstance(node, InputName):
        return _input(scope.inputs.get(node.name))
    return node.value if isinstance(node, Constant) else node


def _input(value: object) -> Value:
    return value if value is None or isinstance(value, str | bool) else str(value)


def _operate(node: Operation, scope: _Scope) -> Value:
    left = _evaluate(node.left, scope)
    truthy = left is not None and left is not False
    if node.operator == "&&":
        return _evaluate(node.right, scope) if truthy else left
    if node.operator == "||":
        return left if truthy else _evaluate(node.right, scope)
    right = _evaluate(node.right, scope)
    if node.operator in ("==", "!="):
        return _equal(left, right) == (node.operator == "==")
    return _matches(left, right) == (node.operator == "=~")


def _equal(left: Value, right: Value) -> bool:
    """Compare; a boolean equals the text that shows it."""
    if isinstance(left, str) and isinstance(right, bool):
        return left == _text(right)
    if isinstance(left, bool) and isinstance(right, str):
        return _text(left) == right
    return left == right


def _matches(left: Value, right: Value) -> bool:
    """Search for the pattern; a right side that is not a pattern is searched for the left text."""
    if right is None or right is False:
        return False
    subject = "" if left is None else _text(left)
    source = right.source if isinstance(right, Pattern) else _text(right)
    regex = compile_pattern(source)
    if regex is None:
        return subject in source
    return regex.found_in(subject)


def _text(value: Value) -> str:
    if isinstance(value, Pattern):
        return value.source
    return str(value).lower() if isinstance(value, bool) else value or ""
