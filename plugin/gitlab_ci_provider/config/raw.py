"""The tree that YAML becomes: plain values that know where they were written.

Mappings and lists are subclasses of `dict` and `list`, so the rest of the package reads them with
ordinary code; places are kept next to the values, one for each key or item. Nothing changes a node
after it is made: aliases and merges share them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from gitlab_ci_provider.model.diagnostic import SourceLocation


class Mark(NamedTuple):
    """A place in a file; line and column count from 1, line 0 stands for all of it.

    Attributes:
        literal: whether a literal block (`|`) starts there, whose text begins a line below.
    """

    file: str
    line: int = 1
    column: int = 1
    literal: bool = False

    def location(self) -> SourceLocation:
        """Return the place as diagnostics carry it."""
        return SourceLocation(file=self.file, line=self.line, column=self.column)


class Reference(NamedTuple):
    """A `!reference [job, key, ...]` that is not resolved yet; `path` is None when malformed."""

    path: tuple[str, ...] | None
    text: str
    mark: Mark


Node: TypeAlias = "bool | int | float | str | Map | Seq | Reference | None"


class Map(dict[str, "Node"]):
    """A mapping; `marks` tells for each key where its winning value was written.

    Attributes:
        numbers: keys that YAML reads as numbers, which no job may be called.
    """

    __slots__ = ("mark", "marks", "numbers")

    def __init__(self, mark: Mark, items: Iterable[tuple[str, Node]] = ()):
        super().__init__(items)
        self.mark = mark
        self.marks: dict[str, Mark] = {}
        self.numbers: set[str] = set()

    def put(self, key: str, value: Node, mark: Mark) -> None:
        """Set a key while the mapping is being built."""
        self[key] = value
        self.marks[key] = mark

    def absorb(self, other: Map) -> None:
        """Take over all keys of another mapping while this one is being built."""
        self.update(other)
        self.marks.update(other.marks)

    def copy(self) -> Map:
        """Copy one level deep, with the places."""
        twin = Map(self.mark, self.items())
        twin.marks = dict(self.marks)
        twin.numbers = set(self.numbers)
        return twin

    def without(self, *keys: str) -> Map:
        """Copy one level deep, leaving keys out."""
        twin = self.copy()
        for key in keys:
            twin.pop(key, None)
        return twin

    def place(self, key: str) -> Mark:
        """Return where a key was written; the mapping's own place when it has no such key."""
        return self.marks.get(key, self.mark)


class Seq(list["Node"]):
    """A list; `marks` holds the place of each item."""

    __slots__ = ("mark", "marks")

    def __init__(self, mark: Mark, items: Iterable[Node] = (), marks: Iterable[Mark] = ()):
        super().__init__(items)
        self.mark = mark
        self.marks = list(marks)

    def place(self, position: int) -> Mark:
        """Return where an item was written."""
        return self.marks[position] if position < len(self.marks) else self.mark


def to_data(node: Node) -> object:
    """Return a node as plain data, without places."""
    if isinstance(node, Reference):
        return None
    if isinstance(node, Map):
        return {key: to_data(value) for key, value in node.items()}
    if isinstance(node, Seq):
        return [to_data(item) for item in node]
    return node


def deep_merge(base: Map, over: Map) -> Map:
    """Join two mappings; values of `over` win, also when they are null.

    Places follow the values, so that every key of the result knows where it came from.
    """
    merged = base.copy()
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, Map) and isinstance(value, Map):
            merged[key] = deep_merge(below, value)
        else:
            merged[key] = value
        merged.marks[key] = over.place(key)
    merged.numbers |= over.numbers
    return merged
