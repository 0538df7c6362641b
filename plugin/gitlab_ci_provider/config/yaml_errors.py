"""What libyaml refuses to read, in the words of Ruby's Psych, which GitLab shows, and a hint."""

from __future__ import annotations

import re
from collections.abc import Callable

from yaml.error import MarkedYAMLError
from yaml.parser import ParserError
from yaml.reader import ReaderError

from gitlab_ci_provider.config.raw import Mark

Place = Callable[[int, int], Mark]
"""Names the place in the file of a line and a column of the text, both from 1."""

_TABS = "Indent with spaces: YAML does not accept tabs there."
_QUOTES = "Put a text that begins with `{}` in quotes."
_HINTS = {
    "while scanning an alias": _QUOTES.format("*"),
    "while scanning an anchor": _QUOTES.format("&"),
    "while scanning a tag": _QUOTES.format("!"),
    "mapping values are not allowed in this context": (
        "Put a text that contains `: ` in quotes, or mend the indentation."
    ),
    "found a tab character that violates indentation": _TABS,
    "found unknown escape character": "Use single quotes, or write `\\\\` for a backslash.",
}
"""What to do, by libyaml's name for the problem or for what it was reading."""

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""What ends a line, as libyaml counts them."""


class LoadError(Exception):
    """The text is not YAML that GitLab accepts; the message says where."""

    def __init__(self, code: str, message: str, mark: Mark, hint: str | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.mark = mark
        self.hint = hint


def syntax_error(error: MarkedYAMLError, text: str, place: Place) -> LoadError:
    """Word it as Psych does, which names the place of the context, with libyaml's place."""
    at = error.problem_mark
    around = error.context_mark or (None if isinstance(error, ParserError) else at)
    mark = place(at.line + 1, at.column + 1) if at else place(1, 1)
    words = " ".join(part for part in (error.problem, error.context) if part)
    told = place(around.line + 1, around.column + 1) if around else Mark("")
    message = f"(<unknown>): {words} at line {told.line} column {told.column}"
    return LoadError("yaml-syntax", message, mark, _hint(error, text))


def not_text(error: ReaderError, text: str, place: Place) -> LoadError:
    """Word it as Psych does.

    Unlike GitLab, which names line 1, the message has the place of the character.
    """
    before = text.encode()[: error.position].decode(errors="replace")
    mark = place(before.count("\n") + 1, len(before) - before.rfind("\n"))
    message = f"(<unknown>): {error.reason} at line {mark.line} column {mark.column}"
    return LoadError("yaml-syntax", message, mark)


def _hint(error: MarkedYAMLError, text: str) -> str | None:
    """Say what to do about a syntax error, where there is one usual reason for it."""
    known = _HINTS.get(error.problem or "") or _HINTS.get(error.context or "")
    at = error.problem_mark
    if known or at is None or error.problem != "found character that cannot start any token":
        return known
    character = _BREAK.split(text)[at.line][at.column : at.column + 1]
    return _TABS if character == "\t" else _QUOTES.format(character)
