"""`$[[ inputs.x | function ]]` in the tree of a file.

Source: GitLab's `Interpolation::Template` and `Interpolation::Config`: blocks are replaced in the
keys and texts of the parsed file. A text that is one block takes the value with its type, a list
in a list becomes part of it; a block inside a longer text goes in as text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from gitlab_ci_provider.config.inputs.block import Block, Scope, evaluate, split_blocks
from gitlab_ci_provider.config.inputs.functions import InterpolationError
from gitlab_ci_provider.config.inputs.tags import IN_TEXT, holds_reference
from gitlab_ci_provider.config.raw import Map, Mark, Node, Reference, Seq
from gitlab_ci_provider.config.scalars import to_ruby_text

MAX_BLOCKS = 10_000
MAX_TEXT = 1_048_576
MAX_NODES = 500_000
"""Of all lists and mappings that blocks bring."""

MAX_LENGTH = 20_000_000
"""Of all texts that have blocks."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a block cannot be replaced, and where its text is."""

    words: str
    mark: Mark
    hint: str | None = None


def interpolate(tree: Map, scope: Scope) -> tuple[Map, list[Problem]]:
    """Replace all blocks; give the tree and what is wrong."""
    work = _Interpolation(scope)
    replaced = work.map(tree)
    return replaced, list(work.problems.values())


def interpolate_text(text: str, scope: Scope, mark: Mark) -> tuple[str, list[Problem]]:
    """Replace all blocks of a file's text; other values than texts go in as JSON."""
    work = _Interpolation(scope)

    def written(part: str | Block) -> str:
        value = part if isinstance(part, str) else work.untagged(part, mark)
        if isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    replaced = "".join(written(part) for part in split_blocks(text))
    return replaced, list(work.problems.values())


@dataclass(slots=True)
class _Interpolation:
    scope: Scope
    values: dict[str, object] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    seen: dict[int, Node] = field(default_factory=dict)
    length: int = 0
    nodes: int = 0

    def node(self, node: Node, mark: Mark) -> Node:
        """Replace the blocks of a node; shared nodes are replaced once."""
        if isinstance(node, str):
            return self.text(node, mark)
        if not isinstance(node, Map | Seq):
            return node
        if id(node) not in self.seen:
            self.seen[id(node)] = self.map(node) if isinstance(node, Map) else self.seq(node)
        return self.seen[id(node)]

    def map(self, node: Map) -> Map:
        """Replace the blocks of keys and values."""
        made = Map(node.mark)
        made.numbers = set(node.numbers)
        for key, value in node.items():
            mark = node.place(key)
            name = self.text(key, mark)
            if not isinstance(name, str):
                name = _shown(name)
                made.numbers.add(name)
            made.put(name, self.node(value, mark), mark)
        return made

    def seq(self, node: Seq) -> Seq:
        """Replace the blocks of the items; a list in place of a text becomes part of this one."""
        made = Seq(node.mark)
        for position, item in enumerate(node):
            mark = node.place(position)
            value = self.node(item, mark)
            items = value if isinstance(item, str) and isinstance(value, Seq) else [value]
            made.extend(items)
            made.marks.extend(mark for _ in items)
        return made

    def text(self, text: str, mark: Mark) -> Node:
        """Replace the blocks of a text."""
        if "$[[" not in text:
            return text
        if len(text) > MAX_TEXT or self.length > MAX_LENGTH:
            self._refuse("config node too large", mark)
            return text
        parts = split_blocks(text)
        if len(parts) == 1 and isinstance(parts[0], Block):
            return _node(self.value(parts[0], mark), mark)
        replaced = "".join(self.written(part, mark) for part in parts)
        self.length += len(replaced)
        return replaced

    def written(self, part: str | Block, mark: Mark) -> str:
        """Return a part of a text as it is finally written."""
        return part if isinstance(part, str) else _shown(_node(self.untagged(part, mark), mark))

    def untagged(self, block: Block, mark: Mark) -> object:
        """Return a block's value for use in a text, where no reference can be replaced."""
        value = self.value(block, mark)
        if holds_reference(value):
            self._refuse(IN_TEXT, mark)
            return None
        return value

    def value(self, block: Block, mark: Mark) -> object:
        """Return a block's value; each is computed once."""
        if self.nodes > MAX_NODES:
            return None
        if block.text not in self.values:
            if len(self.values) >= MAX_BLOCKS:
                self._refuse("too many interpolation blocks", mark)
                return None
            try:
                self.values[block.text] = evaluate(block, self.scope)
            except InterpolationError as error:
                self._refuse(str(error), mark, error.hint)
                return None
        value = self.values[block.text]
        self.nodes += _size(value)
        if self.nodes > MAX_NODES:
            self._refuse("config too large", mark)
            return None
        return value

    def _refuse(self, words: str, mark: Mark, hint: str | None = None) -> None:
        self.problems.setdefault(words, Problem(words, mark, hint))


def _size(value: object) -> int:
    """Count the parts of a list or mapping; plain values cost nothing."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return len(parts) + sum(_size(part) for part in parts)


def _node(value: object, mark: Mark) -> Node:
    """Return plain data as a node that was written where the block stands."""
    if isinstance(value, dict):
        made = Map(mark)
        for key, item in value.items():
            made.put(str(key), _node(item, mark), mark)
        return made
    if isinstance(value, list):
        return Seq(mark, (_node(item, mark) for item in value), (mark for _ in value))
    return value if isinstance(value, bool | int | float | str | Reference) else None


def _shown(node: Node) -> str:
    """Write a value into a text as Ruby's `to_s` does."""
    if isinstance(node, Map | Seq):
        return json.dumps(node, ensure_ascii=False)
    return node if isinstance(node, str) else to_ruby_text(_scalar(node))


def _scalar(node: Node) -> bool | int | float | None:
    return node if isinstance(node, bool | int | float) else None
