"""YAML text to a tree, through libyaml's events, read as Ruby's Psych reads it.

Psych's habits that matter: a `<<` written after a key overwrites it, the last of duplicate keys
wins, unknown tags mean nothing. Limits keep hostile files cheap: nesting of 100 levels (GitLab's
own limit) and a number of nodes, aliases expanded.

Unlike GitLab, which limits the memory of the parsed tree (2 MB by default), the limit counts nodes.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import NamedTuple

from yaml._yaml import CParser
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.raw import Map, Mark, Node, Reference, Seq
from gitlab_ci_provider.config.scalars import DisallowedClassError, resolve, to_ruby_text
from gitlab_ci_provider.config.yaml_errors import LoadError, not_text, syntax_error

MAX_DEPTH = 100
MAX_NODES = 2_000_000
TOO_BIG = "The parsed YAML is too big"
_REFERENCE_TAG = "!reference"
_RUBY_TAG = "!ruby/"
_BINARY_TAGS = ("tag:yaml.org,2002:binary", "!binary")
_TYPED_TAGS = tuple(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))
_ANCHORS = "It must come first, in the same file; `extends` and `!reference` reach other files."
_NUMBER_STARTS = frozenset("0123456789")
_NULL_WORDS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN_WORDS = frozenset({"yes", "no", "on", "off", "true", "false"})


def load(text: str, file: str, diagnostics: Diagnostics, first_line: int = 1) -> Node:
    """Read the first YAML document of a text.

    The text starts at the line `first_line` of the file.

    Raises:
        LoadError: the text has a syntax error or breaks a limit.
    """
    return _Builder(file, diagnostics, first_line - 1).build(text)


def warn_of_unread(diagnostics: Diagnostics, mark: Mark) -> None:
    """Say that a document begins there which nobody reads."""
    words = "the document that begins here is left out, in GitLab silently"
    hint = "After a header with `spec`, the last document counts, otherwise the first."
    diagnostics.warning("yaml-document-unread", words, mark, hint)


class _Builder:
    """Builds the tree from events with a stack of its own: no input can exhaust Python's."""

    def __init__(self, file: str, diagnostics: Diagnostics, offset: int):
        self.file = file
        self.diagnostics = diagnostics
        self.offset = offset
        self.anchors: dict[str, Node] = {}
        self.sizes: dict[int, _Size] = {}
        self.stack: list[_Open] = []
        self.nodes = 0
        self.root: Node = None
        self.handlers: dict[type[Event], Callable[..., None]] = {
            ScalarEvent: self._scalar,
            MappingStartEvent: self._open,
            SequenceStartEvent: self._open,
            MappingEndEvent: self._close,
            SequenceEndEvent: self._close,
            AliasEvent: self._alias,
        }

    def build(self, text: str) -> Node:
        """Read the events of one document."""
        try:
            parser = CParser(text)
            while not isinstance(event := parser.get_event(), DocumentEndEvent):
                if event is None:
                    break
                self._take(event)
        except MarkedYAMLError as error:
            raise syntax_error(error, text, self._place) from error
        except ReaderError as error:
            raise not_text(error, text, self._place) from error
        self._note_rest(parser)
        return self.root

    def _note_rest(self, parser: CParser) -> None:
        """Warn of what follows; it need not even be valid, as Psych does not read it."""
        try:
            event = parser.get_event()
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            warn_of_unread(self.diagnostics, Mark(self.file, line + self.offset))
        except ReaderError:
            return
        else:
            if isinstance(event, DocumentStartEvent):
                warn_of_unread(self.diagnostics, self._mark(event))

    def _take(self, event: Event) -> None:
        handle = self.handlers.get(type(event))
        if handle:
            handle(event)

    def _mark(self, event: Event) -> Mark:
        at = event.start_mark
        if at is None:
            return Mark(self.file)
        return self._place(at.line + 1, at.column + 1)

    def _place(self, line: int, column: int) -> Mark:
        """Name a place by its line and column in the text, from 1."""
        return Mark(self.file, line + self.offset, column)

    def _count(self, nodes: int, event: Event) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise LoadError("yaml-too-big", TOO_BIG, self._mark(event))

    def _scalar(self, event: ScalarEvent) -> None:
        self._count(1, event)
        mark = self._mark(event)._replace(literal=event.style == "|")
        value = self._key(event, mark) if self._expects_key() else self._value(event, mark)
        if event.anchor:
            self.anchors[event.anchor] = value
        self._add(value, mark, _SCALAR)

    def _expects_key(self) -> bool:
        return bool(self.stack) and self.stack[-1].key is None and self.stack[-1].is_map

    def _key(self, event: ScalarEvent, mark: Mark) -> str:
        """Read a key as it is written, also where YAML sees a boolean or number."""
        if not event.implicit[0]:
            return event.value
        if event.value.lower() in _BOOLEAN_WORDS:
            message = f"YAML 1.1 reads the key {event.value} as a boolean; here it stays a string"
            self.diagnostics.warning("yaml-boolean-key", message, mark, "Put it in quotes.")
        elif event.value[:1] in _NUMBER_STARTS:
            self._value(event, mark)  # a date is refused
            self._note_number(event.value)
        elif event.value in _NULL_WORDS:
            self._note_null(event.value)
        return event.value.removeprefix(":") if len(event.value) > 1 else event.value

    def _note_null(self, key: str) -> None:
        owner = self.stack[-1].node
        if isinstance(owner, Map):
            owner.numbers.add(key)

    def _note_number(self, key: str) -> None:
        owner = self.stack[-1].node
        if isinstance(owner, Map) and key.replace(".", "").isdigit():
            owner.numbers.add(key)

    def _value(self, event: ScalarEvent, mark: Mark) -> Node:
        if event.tag == _REFERENCE_TAG:
            return Reference(None, _quoted(event.value) if event.value else "[]", mark)
        if event.tag and event.tag.startswith(_RUBY_TAG):
            name = event.tag.rpartition(":")[2]
            raise LoadError("yaml-class", f"Tried to load unspecified class: {name}", mark)
        if event.tag in _BINARY_TAGS:
            return _binary(event.value)
        typed = event.tag in _TYPED_TAGS
        if not event.implicit[0] and not typed and (event.tag is None or _says_text(event)):
            return event.value
        try:
            return resolve(event.value)
        except DisallowedClassError as error:
            raise LoadError("yaml-date", str(error), mark, "Put it in quotes.") from error

    def _open(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise LoadError("yaml-too-deep", TOO_BIG, self._mark(event))
        self._count(1, event)
        mark = self._mark(event)
        if event.tag and event.tag.startswith(_RUBY_TAG):
            name = event.tag.rpartition(":")[2]
            raise LoadError("yaml-class", f"Tried to load unspecified class: {name}", mark)
        node: Map | Seq = Map(mark) if isinstance(event, MappingStartEvent) else Seq(mark)
        self.stack.append(_Open(node, event.anchor, event.tag == _REFERENCE_TAG))

    def _close(self, _: Event) -> None:
        done = self.stack.pop()
        node: Node = done.node
        if done.reference:
            node = _reference(done.node)
        if done.anchor:
            self.anchors[done.anchor] = node
            self.sizes[id(node)] = done.size()
        self._add(node, done.node.mark, done.size())

    def _alias(self, event: AliasEvent) -> None:
        mark = self._mark(event)
        if event.anchor not in self.anchors:
            message = f"An alias referenced an unknown anchor: {event.anchor}"
            raise LoadError("yaml-unknown-anchor", message, mark, _ANCHORS)
        node = self.anchors[event.anchor]
        size = self.sizes.get(id(node), _SCALAR)
        self._count(size.weight, event)
        if len(self.stack) + size.height > MAX_DEPTH:
            raise LoadError("yaml-too-deep", TOO_BIG, mark)
        self._add(node, mark, size, alias=True)

    def _add(self, node: Node, mark: Mark, size: _Size, *, alias: bool = False) -> None:
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.hold(size)
        if isinstance(parent.node, Seq):
            parent.node.append(node)
            parent.node.marks.append(mark)
        elif parent.key is None:
            parent.key = self._key_text(node, mark)
            parent.key_mark = mark
        else:
            parent.key_mark = parent.key_mark._replace(literal=mark.literal)
            self._pair(parent, node, mergeable=alias or isinstance(node, Map | Seq))
            parent.key = None

    def _key_text(self, node: Node, mark: Mark) -> str:
        if isinstance(node, Map | Seq | Reference):
            words = "Invalid configuration format: a key must be a string"
            raise LoadError("yaml-key", words, mark)
        return node if isinstance(node, str) else to_ruby_text(node)

    def _pair(self, parent: _Open, node: Node, *, mergeable: bool) -> None:
        owner, key, mark = parent.node, parent.key, parent.key_mark
        if not isinstance(owner, Map) or key is None:
            return
        if key == "<<" and mergeable and _merge(owner, node):
            return
        if key in owner.marks and key in parent.written:
            lost = f"duplicate key {key!r}: the value on line {owner.marks[key].line} is overridden"
            hint = "Remove one of them; GitLab silently uses the last one."
            self.diagnostics.warning("yaml-duplicate-key", lost, mark, hint)
        parent.written.add(key)
        owner.put(key, node, mark)


class _Size(NamedTuple):
    """How many nodes a node stands for with its aliases expanded, and how deep they are."""

    weight: int
    height: int


_SCALAR = _Size(1, 0)


class _Open:
    """A mapping or list whose end is still to come."""

    __slots__ = (
        "anchor",
        "height",
        "is_map",
        "key",
        "key_mark",
        "node",
        "reference",
        "weight",
        "written",
    )

    def __init__(self, node: Map | Seq, anchor: str | None, reference: bool):
        self.node = node
        self.is_map = isinstance(node, Map)
        self.anchor = anchor
        self.reference = reference
        self.weight = 1
        self.height = 1
        self.key: str | None = None
        self.key_mark = node.mark
        self.written: set[str] = set()

    def hold(self, size: _Size) -> None:
        """Count a node that was added."""
        self.weight += size.weight
        self.height = max(self.height, size.height + 1)

    def size(self) -> _Size:
        """Return its final size."""
        return _Size(self.weight, self.height)


def _binary(text: str) -> str:
    """Decode base64, as far as it goes, to text."""
    return binascii.a2b_base64(text.encode(errors="ignore")).decode(errors="replace")


def _says_text(event: ScalarEvent) -> bool:
    """Return whether a tag or quotes keep the scalar a text."""
    return event.tag in ("tag:yaml.org,2002:str", "!str", "!") or bool(event.style)


def _merge(owner: Map, node: Node) -> bool:
    """Apply a merge key where it stands: keys written before it are overwritten."""
    if isinstance(node, Map):
        owner.absorb(node)
        return True
    if isinstance(node, Seq) and all(isinstance(item, Map) for item in node):
        for item in reversed(node):
            if isinstance(item, Map):
                owner.absorb(item)
        return True
    return False


def _reference(node: Map | Seq) -> Reference:
    if isinstance(node, Map):
        pairs = (f"{_quoted(key)}=>{_quoted(value)}" for key, value in node.items())
        return Reference(None, "{" + ", ".join(pairs) + "}", node.mark)
    words = [item for item in node if isinstance(item, str)]
    text = "[" + ", ".join(_quoted(item) for item in node) + "]"
    path = tuple(words) if words and len(words) == len(node) else None
    return Reference(path, text, node.mark)


def _quoted(item: Node) -> str:
    return f'"{item}"' if isinstance(item, str) else str(item)
