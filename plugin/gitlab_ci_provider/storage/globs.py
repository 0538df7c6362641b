"""GitLab's path patterns (the runner's library `doublestar`) as regular expressions.

`*` stands for any characters but `/`, `?` for one, `**` as a whole part for any number of folders,
`[a-z]` and `[^a-z]` for one of a class, `{a,b}` for alternatives that may hold further patterns. A
backslash escapes the next character. A name that starts with a dot is like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gitlab_ci_provider.exceptions import GitlabCiError

_META = re.compile(r"[*?\[{\\]")
_CLASS = re.compile(r"\[((?:\\.|[^\\])(?:\\.|[^\\\]])*)\]", re.DOTALL)


class BadPatternError(GitlabCiError):
    """A bracket or brace of a pattern is not closed; the message says which."""


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern, ready to match.

    Attributes:
        base: the folder that all matches lie in; the match itself for a pattern without magic.
        depth: the most parts that a match can have; None when `**` allows any number.
    """

    base: str
    depth: int | None
    regex: re.Pattern[str]

    def matches(self, path: str) -> bool:
        """Return whether a relative path, parts joined with `/`, matches."""
        return self.regex.fullmatch(path) is not None


def compile_glob(pattern: str) -> Glob:
    """Compile a clean relative pattern (no `./`, no `/` at an end).

    Raises:
        BadPatternError: `[` or `{` is never closed, or the pattern ends with a single backslash.
    """
    parts = pattern.split("/")
    plain = next((i for i, part in enumerate(parts) if _META.search(part)), len(parts))
    depth = None if "**" in pattern or "{" in pattern else len(parts)
    try:
        regex = re.compile(_Translator(pattern).regex(), re.DOTALL)
    except re.error as error:
        raise BadPatternError(f"a character class is invalid: {error}") from error
    return Glob(base="/".join(parts[:plain]), depth=depth, regex=regex)


class _Translator:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str):
        self._pattern = pattern
        self._at = 0
        self._braces = 0

    def regex(self) -> str:
        """Translate all of it."""
        found: list[str] = []
        while self._at < len(self._pattern):
            found.append(self._next())
        if self._braces:
            raise BadPatternError("'{' is never closed")
        return "".join(found)

    def _next(self) -> str:
        character = self._pattern[self._at]
        if character == "*":
            return self._star()
        if character == "/" and self._is_double_star(self._at + 1):
            return self._folders_after_slash()
        if character == "[":
            return self._class()
        self._at += 1
        if character == "\\":
            return self._escaped()
        return self._single(character)

    def _single(self, character: str) -> str:
        if character == "{":
            self._braces += 1
            return "(?:"
        if self._braces and character in ",}":
            self._braces -= character == "}"
            return "|" if character == "," else ")"
        return "[^/]" if character == "?" else re.escape(character)

    def _star(self) -> str:
        if not self._is_double_star(self._at):
            self._at += len(self._pattern[self._at :]) - len(self._pattern[self._at :].lstrip("*"))
            return "[^/]*"
        self._at += 2
        if self._pattern[self._at : self._at + 1] == "/":
            self._at += 1
            return "(?:[^/]+/)*"
        return ".*"

    def _folders_after_slash(self) -> str:
        """`/**` at the end matches the folder itself too, `/**/` also no folder at all."""
        self._at += 3
        if self._pattern[self._at : self._at + 1] == "/":
            self._at += 1
            return "/(?:[^/]+/)*"
        return "(?:/.*)?"

    def _is_double_star(self, at: int) -> bool:
        """Return whether `**` stands here as a whole part."""
        before, after = self._pattern[:at][-1:], self._pattern[at + 2 : at + 3]
        whole = before in {"", "/", "{", ","} and after in {"", "/", "}", ","}
        return self._pattern[at : at + 2] == "**" and whole

    def _class(self) -> str:
        found = _CLASS.match(self._pattern, self._at)
        if found is None:
            raise BadPatternError("'[' is never closed")
        inner, self._at = found[1], found.end()
        negated = inner[0] in "^!"
        members = "".join(_members(inner[1:] if negated else inner))
        return f"(?!/)[{'^' if negated else ''}{members}]"

    def _escaped(self) -> str:
        if self._at == len(self._pattern):
            raise BadPatternError("the pattern ends with a lone backslash")
        self._at += 1
        return re.escape(self._pattern[self._at - 1])


def _members(text: str) -> Iterator[str]:
    """Translate what is in a class: characters, also escaped ones, and ranges of them."""
    left = re.findall(r"\\.|.", text, re.DOTALL)
    while left:
        if left[1:2] == ["-"] and left[2:]:
            yield f"{re.escape(left[0][-1])}-{re.escape(left[2][-1])}"
            del left[:3]
        else:
            yield re.escape(left.pop(0)[-1])
