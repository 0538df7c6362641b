"""A `rules:if` expression and variables to a truth value.

Values are texts, booleans or null, and `&&` and `||` give one of their operands back, as in Ruby:
an empty text is a true operand, and only the final result is tested for blankness.
"""

from __future__ import annotations

from collections.abc import Mapping

from gitlab_ci_provider.rules.expression.ast import (
    Constant,
    Expression,
    Operation,
    Pattern,
    VariableName,
)
from gitlab_ci_provider.rules.expression.parser import parse
from gitlab_ci_provider.rules.expression.regex import compile_pattern

Value = str | bool | Pattern | None


def is_true(expression: str, variables: Mapping[str, str]) -> bool:
    """Evaluate an expression over unexpanded variables.

    Raises:
        ExpressionError: the text is no expression.
    """
    value = _evaluate(parse(expression), variables)
    if isinstance(value, str):
        return bool(value.strip())
    return bool(value)


def _evaluate(node: Expression, variables: Mapping[str, str]) -> Value:
    if isinstance(node, Operation):
        return _operate(node, variables)
    if isinstance(node, VariableName):
        return variables.get(node.name)
    return node.value if isinstance(node, Constant) else node


def _operate(node: Operation, variables: Mapping[str, str]) -> Value:
    left = _evaluate(node.left, variables)
    truthy = left is not None and left is not False
    if node.operator == "&&":
        return _evaluate(node.right, variables) if truthy else left
    if node.operator == "||":
        return left if truthy else _evaluate(node.right, variables)
    right = _evaluate(node.right, variables)
    if node.operator in ("==", "!="):
        return (left == right) == (node.operator == "==")
    return _matches(left, right) == (node.operator == "=~")


def _matches(left: Value, right: Value) -> bool:
    """Search the pattern; a right side that is no pattern is searched for the left text."""
    if right is None or right is False:
        return False
    subject = "" if left is None else _text(left)
    source = right.source if isinstance(right, Pattern) else _text(right)
    regex = compile_pattern(source)
    if regex is None:
        return subject in source
    return regex.search(subject) is not None


def _text(value: Value) -> str:
    if isinstance(value, Pattern):
        return value.source
    return str(value).lower() if isinstance(value, bool) else value or ""
