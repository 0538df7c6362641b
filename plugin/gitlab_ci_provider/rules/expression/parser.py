"""Tokens of `rules:if` to a tree.

Source: GitLab's `Gitlab::Ci::Pipeline::Expression::Parser`, a shunting yard: comparisons bind
tightest, then `&&`, then `||`; parentheses group.
"""

from __future__ import annotations

from functools import lru_cache

from gitlab_ci_provider.rules.expression.ast import (
    Constant,
    Expression,
    InputName,
    Operation,
    Operator,
    Pattern,
    VariableName,
)
from gitlab_ci_provider.rules.expression.lexer import ExpressionError, Token, tokenize
from gitlab_ci_provider.rules.expression.regex import compile_pattern

__all__ = ["ExpressionError", "parse"]

_OPERATORS: dict[str, tuple[Operator, int]] = {
    "==": ("==", 10), "!=": ("!=", 10), "=~": ("=~", 10), "!~": ("!~", 10),
    "&&": ("&&", 11), "||": ("||", 12),
}  # fmt: skip


@lru_cache(maxsize=4096)
def parse(expression: str) -> Expression:
    """Parse an expression.

    Raises:
        ExpressionError: it is not an expression.
    """
    operands: list[Expression] = []
    for token in _postfix(tokenize(expression)):
        if token.kind != "operator":
            operands.append(_operand(token))
        elif len(operands) < 2:
            raise ExpressionError(f"{token.text} needs a value on both sides")
        else:
            right = operands.pop()
            operands.append(Operation(_OPERATORS[token.text][0], operands.pop(), right))
    if len(operands) != 1:
        raise ExpressionError("an operator is missing between two values" if operands else "empty")
    return operands[0]


def _postfix(tokens: list[Token]) -> list[Token]:
    output: list[Token] = []
    waiting: list[Token] = []
    for token in tokens:
        if token.kind == "operator":
            _pop(waiting, output, _OPERATORS[token.text][1])
            waiting.append(token)
        elif token.kind == "open":
            waiting.append(token)
        elif token.kind == "close":
            _pop(waiting, output, max(rank for _, rank in _OPERATORS.values()))
            if not waiting:
                raise ExpressionError("a closing parenthesis has no opening one")
            waiting.pop()
        else:
            output.append(token)
    if any(token.kind == "open" for token in waiting):
        raise ExpressionError("a parenthesis is never closed")
    return output + waiting[::-1]


def _pop(waiting: list[Token], output: list[Token], rank: int) -> None:
    while waiting and waiting[-1].kind == "operator" and _OPERATORS[waiting[-1].text][1] <= rank:
        output.append(waiting.pop())


def _operand(token: Token) -> Expression:
    if token.kind == "variable":
        return VariableName(token.text)
    if token.kind == "input":
        return InputName(token.text)
    if token.kind in ("null", "boolean"):
        return Constant(None if token.kind == "null" else token.text == "true")
    if token.kind == "string":
        return Constant(token.text)
    source = token.text.replace("\\/", "/")
    if compile_pattern(source) is None:
        raise ExpressionError(f"RE2 does not accept the pattern {token.text}")
    return Pattern(source)
