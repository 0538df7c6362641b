"""The lines of a YAML file that a job and its keywords take, so that the others can stay.

PyYAML's nodes know where they begin. Where a collection ends it says too late, behind comments
that belong to what follows; so ends are those of the last scalar in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a job with its value, in lines from 0; `end` is the first line after them.

    Attributes:
        items: the first and the line after the last of each item, when it is a block list of
            scalars; else None.
    """

    start: int
    end: int
    items: tuple[tuple[int, int], ...] | None = None
    dash: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A job as a block of lines.

    Attributes:
        indent: how far its keys are indented.
        start: the line of its first key.
    """

    indent: int
    start: int
    entries: dict[str, Entry]

    @property
    def place(self) -> int:
        """Where a new key can stand: before all others, but after what `<<` brings along."""
        if "<<" in self.entries:
            return max(entry.end for entry in self.entries.values())
        return self.start


def find_block(text: str, job: str) -> Block | None:
    """Find a job in a file; None when it is not a block mapping with keys of its own."""
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return None
    node = _value(root, job)
    if not isinstance(node, MappingNode) or node.flow_style or not node.value:
        return None
    lines = text.splitlines()
    keys = [key for key, _ in node.value]
    column = keys[0].start_mark.column
    if any(key.start_mark.column != column for key in keys):
        return None
    entries = {key.value: _entry(key, value, lines) for key, value in node.value}
    return Block(column, keys[0].start_mark.line, entries)


def _value(root: Node | None, name: str) -> Node | None:
    """Return the value of a key that is written there, and not by an alias."""
    if not isinstance(root, MappingNode):
        return None
    found = None
    for key, value in root.value:
        if isinstance(key, ScalarNode) and key.value == name:
            here = value.start_mark.index > key.start_mark.index
            found = value if here else None
    return found


def _entry(key: Node, value: Node, lines: Sequence[str]) -> Entry:
    start = key.start_mark.line
    if value.start_mark.index < key.start_mark.index:  # an alias, on the line of the key
        return Entry(start, start + 1)
    end = max(start + 1, _end(value, lines))
    if not isinstance(value, SequenceNode) or value.flow_style or not value.value:
        return Entry(start, end)
    items = [_item(item, key, lines) for item in value.value]
    if None in items:
        return Entry(start, end)
    dash = _dash(lines[value.value[0].start_mark.line])
    return Entry(start, end, tuple(filter(None, items)), dash)


def _item(item: Node, key: Node, lines: Sequence[str]) -> tuple[int, int] | None:
    """Return the lines of an item that begins on the line of its dash."""
    start = item.start_mark.line
    if item.start_mark.index < key.start_mark.index or not lines[start].lstrip().startswith("-"):
        return None
    if isinstance(item, SequenceNode):
        return None
    return start, max(start + 1, _end(item, lines))


def _dash(line: str) -> int:
    return len(line) - len(line.lstrip())


def _end(node: Node, lines: Sequence[str]) -> int:
    """Return the line after the last one of a node."""
    last = node
    while isinstance(last, MappingNode | SequenceNode) and not last.flow_style and last.value:
        entry = last.value[-1]
        following = entry[1] if isinstance(entry, tuple) else entry
        if following.start_mark.index < last.start_mark.index:  # an alias
            return int((entry[0] if isinstance(entry, tuple) else last).start_mark.line) + 1
        last = following
    end = last.end_mark.line + (1 if last.end_mark.column else 0)
    while end > last.start_mark.line + 1 and end <= len(lines) and not lines[end - 1].strip():
        end -= 1
    return int(end)


def item_lines(text: str, indent: int) -> Iterator[str]:
    """Write an item of a list so that it reads as this text."""
    if "\n" in text and _is_block(text):
        yield f"{' ' * indent}- |-"
        for line in text.split("\n"):
            yield f"{' ' * (indent + 2)}{line}" if line else ""
    else:
        yield f"{' ' * indent}- {scalar(text)}"


def _is_block(text: str) -> bool:
    """Return whether a text can stand in a literal block."""
    lines = text.split("\n")
    printable = all(line.isprintable() and line == line.rstrip() for line in lines)
    return printable and bool(lines[0]) and bool(lines[-1]) and not text.startswith(" ")


def scalar(text: str) -> str:
    """Write a text on one line: bare where YAML reads it as this text, else in quotes."""
    try:
        if "\n" not in text and yaml.safe_load(f"- {text}") == [text] and text == text.strip():
            return text
    except yaml.YAMLError:
        pass
    if "\n" not in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text)
