"""Text of `rules:if` to tokens.

Source: GitLab's `Gitlab::Ci::Pipeline::Expression::Lexer`: lexemes are tried in this order at each
place, and an expression has fewer than 100 of them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_TOKENS = 100
_LEXEMES = re.compile(
    r"""(?P<open>\()|(?P<close>\))
    |\$\[\[\s*inputs\.(?P<input>[\w-]+)\s*\]\]
    |\$(?P<variable>\w+)
    |"(?P<double>.*?)"|'(?P<single>.*?)'
    |(?P<pattern>/(?:[^/]|\\/)+[^\\]/[ismU]*)
    |(?P<null>null)|(?P<boolean>true|false)
    |(?P<operator>==|=~|!=|!~|&&|\|\|)""",
    re.VERBOSE | re.ASCII,
)
_SPACE = re.compile(r"\s*", re.ASCII)


class ExpressionError(ValueError):
    """The text is not an expression; the message says why."""


class Token(NamedTuple):
    """One word of the language; `kind` is the name of its group in the grammar."""

    kind: str
    text: str


def tokenize(expression: str) -> list[Token]:
    """Split an expression.

    Raises:
        ExpressionError: a part of it is not a word of the language, or it has too many words.
    """
    tokens: list[Token] = []
    position = _skip(expression, 0)
    while position < len(expression):
        found = _LEXEMES.match(expression, position)
        if found is None:
            raise ExpressionError(_unexpected(expression[position : position + 20]))
        kind = found.lastgroup or ""
        text = found.group(kind)
        tokens.append(Token("string" if kind in ("double", "single") else kind, text))
        position = _skip(expression, found.end())
        if len(tokens) >= MAX_TOKENS:
            raise ExpressionError(f"more than {MAX_TOKENS - 1} tokens")
    return tokens


_ADVICE = (
    ("!", 'compare with null, "" or false instead of `!`, which is newer than this'),
    ("${", "write $NAME without braces"),
    ("=", "write == to compare"),
    ("and ", "write && for and"),
    ("or ", "write || for or"),
    ("/", "a pattern ends in a slash, and has two characters or more before it"),
)
"""What to write in place of what an expression cannot hold, by its beginning."""


def _unexpected(text: str) -> str:
    words = f"unexpected text at {text!r}"
    advice = next((advice for start, advice in _ADVICE if text.lower().startswith(start)), None)
    if text[:1].isalnum():
        advice = advice or "write $ before the names of variables, and quotes around values"
    return f"{words}: {advice}" if advice else words


def _skip(expression: str, position: int) -> int:
    space = _SPACE.match(expression, position)
    return space.end() if space else position
