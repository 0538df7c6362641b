"""Words of shell commands: what they say, and the same words with every expansion in double quotes.

An unquoted `$TAG` may become several words or none; the same in double quotes is always one. So a
value can never add a flag to the command that a word is moved to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_USED = re.compile(r"\$\{?[#!]?([A-Za-z_][A-Za-z0-9_]*)")
_OPEN_NAME = re.compile(r"(?<!\\)\$([A-Za-z_][A-Za-z0-9_]*)$")
_BARE_NAME = re.compile(r"(?<!\\)\$([A-Za-z_][A-Za-z0-9_]*)")
_SAFE = re.compile(r"[A-Za-z0-9_./:@%+=,-]+")
_NEEDS_ESCAPE = re.compile(r'[\\"$`]')
_PATTERN = frozenset("*?[]{}")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command.

    Attributes:
        source: as written.
        body: what stands between double quotes to mean the same.
        literal: what it says when nothing in it is expanded; else None.
        loose: the expansions that stood outside of quotes, as written.
        problem: why it cannot be moved; empty when it can.
    """

    source: str
    body: str = ""
    literal: str | None = None
    loose: tuple[str, ...] = ()
    problem: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The variables that it uses."""
        return frozenset(_USED.findall(self.source))

    @property
    def identity(self) -> str:
        """The same text for words that say the same: `$A`, `"$A"` and `${A}`."""
        return _BARE_NAME.sub(r"${\1}", self.body)

    @property
    def quoted(self) -> str:
        """The word as one argument, in quotes unless nothing in it needs them."""
        return self.body if _SAFE.fullmatch(self.body) else f'"{self.body}"'

    @property
    def is_variable(self) -> bool:
        """Whether it is nothing but one unquoted expansion, which may be any number of words."""
        return self.loose == (self.source,)

    def after(self, prefix: str) -> Word:
        """Return what follows a prefix that is written without quotes, such as `--tag=`."""
        return Word(
            source=self.source[len(prefix) :],
            body=self.body[len(prefix) :],
            literal=None if self.literal is None else self.literal[len(prefix) :],
            loose=self.loose,
            problem=self.problem,
        )


def joined(*parts: str | Word) -> Word:
    """Put a word together from text and other words."""
    words = [part if isinstance(part, Word) else said(part) for part in parts]
    literals = [word.literal for word in words]
    body = ""
    for word in words:
        body = _join(body, word.body)
    return Word(
        source="".join(word.source for word in words),
        body=body,
        literal=None if None in literals else "".join(filter(None, literals)),
        loose=tuple(expansion for word in words for expansion in word.loose),
        problem=next((word.problem for word in words if word.problem), ""),
    )


def said(text: str) -> Word:
    """Make the word that says a text."""
    return Word(source=text, body=_escaped(text), literal=text)


def _escaped(text: str) -> str:
    return _NEEDS_ESCAPE.sub(lambda found: "\\" + found[0], text)


def _join(left: str, right: str) -> str:
    """Join two bodies: `$A` before `b` becomes `${A}b`."""
    name = _OPEN_NAME.search(left)
    if name and right[:1] and (right[0].isalnum() or right[0] == "_"):
        left = f"{left[: name.start()]}${{{name[1]}}}"
    return left + right


class _Scanner:
    """Reads one word from left to right."""

    def __init__(self, source: str, ends: Mapping[int, int]):
        self.source = source
        self.ends = ends
        self.at = 0
        self.body = ""
        self.literal: list[str] | None = []
        self.loose: list[str] = []
        self.problem = ""

    def read(self) -> Word:
        while self.at < len(self.source) and not self.problem:
            self._step(self.source[self.at])
        literal = None if self.literal is None else "".join(self.literal)
        if self.problem:
            return Word(source=self.source, problem=self.problem)
        return Word(self.source, self.body, literal, tuple(self.loose))

    def _step(self, sign: str) -> None:
        if sign == "'":
            end = self.source.find("'", self.at + 1)
            self._text(self.source[self.at + 1 : end], end + 1 if end >= 0 else 0)
        elif sign == '"':
            self._double()
        elif sign == "\\":
            following = self.source[self.at + 1 : self.at + 2]
            self._text("" if following == "\n" else following, self.at + 2)
        elif sign in "$`":
            self._expansion(quoted=False)
        elif sign in _PATTERN or (sign == "~" and self.at == 0):
            self.problem = f"{self.source!r} is a pattern or a path that the shell changes"
        else:
            self._text(sign, self.at + 1)

    def _text(self, text: str, end: int) -> None:
        if not end:
            self.problem = f"{self.source!r} has no closing quote"
            return
        self.body = _join(self.body, _escaped(text))
        if self.literal is not None:
            self.literal.append(text)
        self.at = end

    def _double(self) -> None:
        """Read what is in double quotes, where only `$`, backquote and some backslashes count."""
        self.at += 1
        while self.at < len(self.source) and not self.problem:
            sign = self.source[self.at]
            following = self.source[self.at + 1 : self.at + 2]
            if sign == '"':
                self.at += 1
                return
            if sign == "\\" and following and following in '$`"\\\n':
                self._text(following.strip("\n"), self.at + 2)
            elif sign in "$`":
                self._expansion(quoted=True)
            else:
                self._text(sign, self.at + 1)
        self.problem = self.problem or f"{self.source!r} has no closing quote"

    def _expansion(self, *, quoted: bool) -> None:
        end = self._end(quoted=quoted)
        if end is None:
            self._text("$", self.at + 1)  # a lone dollar sign is one
            return
        if self.problem:
            return
        text = self.source[self.at : end]
        if text[1:2].isdigit() or text[:2] in ("$@", "$*"):
            self.problem = f"{text} is known only to the shell"
            return
        if not quoted and not text.startswith("$(") and set(text) & set("'\"\\"):
            self.problem = f"{text} has quotes of its own"
            return
        self.body = _join(self.body, text)
        self.literal = None
        if not quoted:
            self.loose.append(text)
        self.at = end

    def _end(self, *, quoted: bool) -> int | None:
        """Find the end of an expansion; None where the sign stands for itself."""
        following = self.source[self.at + 1 : self.at + 2]
        if self.source[self.at] == "`" or following in ("{", "("):
            end = self.ends.get(self.at)
            if end is None:
                self.problem = f"{self.source!r} is not understood"
                return self.at + 1
            return end
        if following in ("'", '"') and not quoted:
            self.problem = f"{self.source!r} is understood by some shells only"
            return self.at + 1
        name = _NAME.match(self.source, self.at + 1)
        return name.end() if name else None


def read_word(source: str, ends: Mapping[int, int]) -> Word:
    """Read a word.

    Args:
        source: as written.
        ends: for each `${`, `$(` or backquote in it, by its position, where it ends.
    """
    return _Scanner(source, ends).read()
