"""Moa text to a tree: recursive descent, straight over the characters.

Source: GitLab docs, Moa expression language. Templates hold expressions, and double-quoted texts
of an expression are templates again, so one reader does both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

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

Item = TypeVar("Item")

_WORDS = """
    array as break case const continue default else fallthrough float for func function goto if
    import in int let loop map namespace number object package range return string struct switch
    type var void while
"""
RESERVED = frozenset(_WORDS.split())

_OPEN, _CLOSE = "${{", "}}"
_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPED = re.compile(r"u(?![Dd][89A-Fa-f])[0-9A-Fa-f]{4}|.", re.DOTALL)
_ESCAPES = dict(zip('\\"nrtabfv/', '\\"\n\r\t\a\b\f\v/', strict=True))
_CONSTANTS = {"null": None, "true": True, "false": False}
_LEVELS = (("||",), ("&&",), ("==", "!=", "<=", ">=", "<", ">"), ("+", "-"), ("*", "/", "%"))


def parse_template(text: str) -> Template:
    """Read a text with `${{ }}` in it.

    Raises:
        MoaError: an expression is not valid, or has no end.
    """
    reader = _Reader(text)
    try:
        return reader.template(lambda: reader.position >= len(text), reader.plain)
    except RecursionError as error:
        raise MoaError("an expression is nested too deeply") from error


class _Reader:
    """Reads from `position` on."""

    def __init__(self, text: str):
        self.text = text
        self.position = 0

    def template(self, ended: Callable[[], bool], character: Callable[[], str]) -> Template:
        """Read texts and expressions up to an end."""
        parts: list[Node] = []
        plain = ""
        while not ended():
            if self.text.startswith("\\" + _OPEN, self.position):
                plain += _OPEN
                self.position += len(_OPEN) + 1
            elif self.text.startswith(_OPEN, self.position):
                parts += [Literal(plain)] if plain else []
                plain = ""
                parts.append(self._interpolation())
            else:
                plain += character()
        return Template((*parts, Literal(plain)) if plain else tuple(parts))

    def plain(self) -> str:
        """Take text that cannot begin an expression."""
        stop = min(self._find("$"), self._find("\\"))
        taken = self.text[self.position : max(stop, self.position + 1)]
        self.position += len(taken)
        return taken

    def _find(self, sign: str) -> int:
        found = self.text.find(sign, self.position)
        return len(self.text) if found < 0 else found

    def _interpolation(self) -> Node:
        self.position += len(_OPEN)
        node = self._expression()
        self._space()
        if not self.text.startswith(_CLOSE, self.position):
            raise self._error(f"expected {_CLOSE}")
        self.position += len(_CLOSE)
        return node

    def _expression(self, level: int = 0) -> Node:
        """Read operators of this level and of those that bind tighter."""
        if level == len(_LEVELS):
            return self._unary()
        node = self._expression(level + 1)
        while operator := self._take(*_LEVELS[level]):
            node = Binary(operator, node, self._expression(level + 1))
        return node

    def _unary(self) -> Node:
        operator = self._take("+", "-", "!")
        if not operator:
            return self._selected(self._value())
        return Unary(operator, self._unary())

    def _selected(self, node: Node) -> Node:
        while True:
            if self._take("."):
                node = Member(node, Literal(self._identifier()))
            elif self._take("["):
                node = Member(node, self._expression())
                self._expect("]")
            else:
                return node

    def _value(self) -> Node:
        self._space()
        readers: dict[str, Callable[[], Node]] = {
            '"': self._double_quoted,
            "'": self._single_quoted,
            "(": self._group,
            "[": lambda: Array(self._list("]", self._expression)),
            "{": lambda: Object(self._list("}", self._pair)),
        }
        if sign := self._take(*readers):
            return readers[sign]()
        if found := _NUMBER.match(self.text, self.position):
            if float(found[0]) == float("inf"):
                raise self._error("the number is too large")
            self.position = found.end()
            return Literal(float(found[0]))
        return self._name()

    def _group(self) -> Node:
        node = self._expression()
        self._expect(")")
        return node

    def _name(self) -> Node:
        name = self._identifier()
        if name in _CONSTANTS:
            return Literal(_CONSTANTS[name])
        if name in RESERVED:
            raise self._error(f"'{name}' is a reserved word")
        if self._take("("):
            return Call(name, self._list(")", self._expression))
        return Name(name)

    def _pair(self) -> tuple[Node, Node]:
        """Read `key: value`; a bare word is a text, and only parentheses make it a name."""
        self._space()
        bare = _IDENTIFIER.match(self.text, self.position)
        key = Literal(self._identifier()) if bare else self._value()
        self._expect(":")
        return key, self._expression()

    def _list(self, end: str, item: Callable[[], Item]) -> tuple[Item, ...]:
        items: list[Item] = []
        while not self._take(end):
            items.append(item())
            if not self._take(","):
                self._expect(end)
                break
        return tuple(items)

    def _double_quoted(self) -> Node:
        template = self.template(lambda: self._at('"'), self._escaped)
        self.position += 1
        return Template((Literal(""), *template.parts))  # quoted text is text, whatever it contains

    def _escaped(self) -> str:
        sign = self.text[self.position]
        self.position += 1
        if sign != "\\":
            return sign
        found = _ESCAPED.match(self.text, self.position)
        if found is None or (found[0] not in _ESCAPES and len(found[0]) == 1):
            raise self._error("unknown escape sequence")
        self.position = found.end()
        return chr(int(found[0][1:], 16)) if len(found[0]) > 1 else _ESCAPES[found[0]]

    def _single_quoted(self) -> Node:
        said = ""
        while not self._at("'"):
            escaped = self.text[self.position : self.position + 2] in {"\\\\", "\\'"}
            self.position += escaped
            said += self.text[self.position]
            self.position += 1
        self.position += 1
        return Literal(said)

    def _at(self, quote: str) -> bool:
        if self.position >= len(self.text):
            raise self._error(f"a string has no closing {quote}")
        return self.text[self.position] == quote

    def _identifier(self) -> str:
        self._space()
        found = _IDENTIFIER.match(self.text, self.position)
        if found is None:
            raise self._error("expected a value")
        self.position = found.end()
        return found[0]

    def _take(self, *signs: str) -> str:
        self._space()
        sign = next((sign for sign in signs if self.text.startswith(sign, self.position)), "")
        self.position += len(sign)
        return sign

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._error(f"expected {sign}")

    def _space(self) -> None:
        found = _SPACE.match(self.text, self.position)
        self.position = found.end() if found else self.position

    def _error(self, problem: str) -> MoaError:
        line = self.text.count("\n", 0, self.position) + 1
        column = self.position - self.text.rfind("\n", 0, self.position)
        near = self.text[self.position : self.position + 20].split("\n")[0]
        return MoaError(f"{problem} at line {line}, column {column}, near '{near}'")
