"""The tree of a Moa expression or template."""

from __future__ import annotations

from dataclasses import dataclass


class MoaError(ValueError):
    """An expression cannot be read or evaluated; the message says why."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number, boolean or null."""

    value: object


@dataclass(frozen=True, slots=True)
class Name:
    """A value of the context, such as `job`."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`of.key` and `of[key]`."""

    of: Node
    key: Node


@dataclass(frozen=True, slots=True)
class Unary:
    """`+`, `-` or `!` before a value."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two values."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Array:
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Object:
    """`{key: value}`."""

    pairs: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """`function(argument, ...)`."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """Text with expressions in it; one expression and nothing else keeps its type."""

    parts: tuple[Node, ...]


Node = Literal | Name | Member | Unary | Binary | Array | Object | Call | Template
