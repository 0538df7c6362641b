"""Shell text to its statements and commands, with what each depends on.

tree-sitter finds the structure; it reads any text in linear time, and what it does not understand
is an error in its tree. Nothing here runs anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from gitlab_ci_provider.docker_builds.words import Word, read_word

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_BYTES = 200_000
"""Longer texts are not read: no person wrote them."""

_SUBSTITUTIONS = frozenset({"command_substitution", "expansion", "arithmetic_expansion"})
_CONTEXTS = {
    "if_statement": "in an `if`",
    "elif_clause": "in an `if`",
    "case_statement": "in a `case`",
    "for_statement": "in a loop",
    "c_style_for_statement": "in a loop",
    "while_statement": "in a loop",
    "function_definition": "in a function",
    "subshell": "in a subshell",
    "compound_statement": "in a group",
    "negated_command": "after `!`",
    "command_substitution": "in `$(...)`",
    "process_substitution": "in `<(...)`",
    "pipeline": "in a pipe",
}

_BLANK = re.compile(rb"(?:[ \t\n]|\\\n)*")
_PLAIN = bytes(range(128)) + b"." * 128
"""Shells take signs beyond ASCII for parts of words; the grammar's own code crashes at some."""

_ASSIGNS = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*(?::?=|[-+*/%&|^]=|<<=|>>=|\+\+|--)(?!=)")
"""`${A:=x}`, `$((A += 1))`; a name too many does no harm."""

_HEREDOC = "heredoc_body"
_DELIMITERS = frozenset({"heredoc_start", "heredoc_end"})
_TESTS = frozenset({"if_statement", "case_statement", "function_definition"})
_BASH = frozenset({"array", "subscript", "process_substitution", "herestring_redirect"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A simple command.

    Attributes:
        words: its name and arguments.
        assignments: variables that are set for this command, `NAME=value`.
        redirects: as written, such as `>/dev/null`; of pipes and lists they are in, too.
        line: of the text, from 0.
        context: what decides whether and how it runs; empty where it runs always.
    """

    words: tuple[Word, ...]
    assignments: tuple[tuple[str, Word], ...] = ()
    redirects: tuple[str, ...] = ()
    line: int = 0
    context: str = ""

    @property
    def name(self) -> str | None:
        """The program; None when only the shell knows it."""
        return self.words[0].literal if self.words else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A part of a text that runs after the part before it.

    Attributes:
        source: as written.
        line: of the text, from 0.
        commands: all that it holds, at any depth.
        simple: whether it is one command, or one pipe of commands, and nothing else.
        in_list: whether it is joined to another by `&&`.
        sets: variables that it changes.
        defines: functions that it defines.
        tested: whether its result decides about something else.
        bash: whether only bash understands it.
        comment: whether it is one.
    """

    source: str
    line: int
    commands: tuple[Command, ...] = ()
    simple: bool = False
    in_list: bool = False
    sets: frozenset[str] = frozenset()
    defines: frozenset[str] = frozenset()
    tested: bool = False
    bash: bool = False
    comment: bool = False


def read_shell(text: str) -> tuple[Statement, ...] | None:
    """Read a text; None when it is not understood."""
    data = text.encode("utf-8", "replace")
    if len(data) > MAX_BYTES:
        return None
    tree = _parser().parse(data.translate(_PLAIN))
    if tree is None or tree.root_node.has_error or not _is_whole(tree.root_node, data):
        return None
    return tuple(_statements(tree.root_node, data))


@cache
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def _is_whole(root: Node, data: bytes) -> bool:
    """Return whether the tree holds every sign; the grammar loses some, such as a quoted blank."""
    end = 0
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.child_count and node.type != _HEREDOC:
            waiting += reversed(node.children)
        elif node.end_byte > node.start_byte:
            if _BLANK.fullmatch(data, end, node.start_byte) is None or _is_lost(node, data):
                return False
            end = max(end, node.end_byte)
    return _BLANK.fullmatch(data, end) is not None


def _is_lost(node: Node, data: bytes) -> bool:
    """Return whether there may be more in a node than the grammar sees."""
    if node.type == _HEREDOC:  # in which it sees other expansions, but no text before the first
        return b"`" in _bytes(node, data)
    return node.type in _DELIMITERS and not _bytes(node, data).isascii()


def _statements(root: Node, data: bytes) -> Iterator[Statement]:
    for node in root.named_children:
        following = node.next_sibling
        background = following is not None and following.type == "&"
        parts = list(_flat(node))
        for part in parts:
            yield _statement(part, data, in_list=len(parts) > 1, background=background)


def _flat(node: Node) -> Iterator[Node]:
    """List what `&&` joins; a list with `||` stays as it is."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if part.type == "list" and not any(child.type == "||" for child in _lists(part)):
            waiting += reversed(part.named_children)
        else:
            yield part


def _lists(node: Node) -> Iterator[Node]:
    """List the parts of a list and of the lists that it begins with."""
    current: Node | None = node
    while current is not None and current.type == "list":
        yield from current.children
        current = current.children[0]


def _statement(node: Node, data: bytes, *, in_list: bool, background: bool) -> Statement:
    source = _text(node, data) + (" &" if background else "")
    if node.type == "comment":
        return Statement(source=source, line=node.start_point.row, comment=True)
    around = "in the background" if background else ""
    seen = _walk(node, data, around)
    inner = node.child_by_field_name("body") if node.type == "redirected_statement" else node
    kind = inner.type if inner is not None else ""
    return Statement(
        source=source,
        line=node.start_point.row,
        commands=tuple(seen.commands),
        simple=kind in {"command", "pipeline"} and not background,
        in_list=in_list,
        sets=frozenset(seen.sets),
        defines=frozenset(seen.defines),
        tested=bool(seen.kinds & _TESTS),
        bash=bool(seen.kinds & _BASH),
    )


class _Seen:
    """What is below a node."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.sets: set[str] = set()
        self.defines: set[str] = set()
        self.kinds: set[str] = set()


def _walk(node: Node, data: bytes, context: str) -> _Seen:
    """Look at all that is below a node, without recursion, in the order of the text."""
    seen = _Seen()
    waiting: list[tuple[Node, str, tuple[str, ...]]] = [(node, context, ())]
    while waiting:
        at, around, redirects = waiting.pop()
        seen.kinds.add(at.type)
        if at.type == "command":
            seen.commands.append(_command(at, data, around, redirects))
        seen.sets |= _names_set(at, data)
        if at.type == "function_definition" and (name := at.child_by_field_name("name")):
            seen.defines.add(_text(name, data))
        if at.type == "redirected_statement":
            redirects = (*redirects, *_redirects(at, data))
        below = [(child, _inside(at, around), redirects) for child in at.children]
        waiting += reversed(below)
    return seen


def _inside(node: Node, context: str) -> str:
    """Say what a child depends on; the outermost reason counts."""
    if context and context != _CONTEXTS["pipeline"]:
        return context
    if node.type == "list" and any(part.type == "||" for part in node.children):
        return "in a list with `||`"
    return _CONTEXTS.get(node.type, context)


def _names_set(node: Node, data: bytes) -> set[str]:
    if node.type == "variable_assignment" and (
        node.parent is None or node.parent.type != "command"  # for that command alone
    ):
        name = node.child_by_field_name("name")
        return {_text(name, data)} if name is not None else set()
    if node.type in {"expansion", "arithmetic_expansion"}:
        return set(_ASSIGNS.findall(_text(node, data)))
    if node.type in {"for_statement", "c_style_for_statement"}:
        name = node.child_by_field_name("variable")
        return {_text(name, data)} if name is not None else set()
    if node.type in {"declaration_command", "unset_command"}:
        return {
            _text(child, data) for child in node.named_children if child.type == "variable_name"
        }
    return set()


def _redirects(node: Node, data: bytes) -> tuple[str, ...]:
    return tuple(_text(child, data) for child in node.children if "redirect" in child.type)


def _command(node: Node, data: bytes, context: str, redirects: tuple[str, ...]) -> Command:
    assignments = [
        (_text(name, data), _word([child], data, skip=name.end_byte + 1))
        for child in node.named_children
        if child.type == "variable_assignment"
        and (name := child.child_by_field_name("name")) is not None
    ]
    return Command(
        words=tuple(_words(node, data)),
        assignments=tuple(assignments),
        redirects=(*redirects, *_redirects(node, data)),
        line=node.start_point.row,
        context=context,
    )


def _words(node: Node, data: bytes) -> Iterator[Word]:
    """List name and arguments; parts that touch each other are one word."""
    parts: list[Node] = []
    for child in node.children:
        if child.type == "variable_assignment" or "redirect" in child.type:
            continue
        if parts and parts[-1].end_byte != child.start_byte:
            yield _word(parts, data)
            parts = []
        parts.append(child)
    if parts:
        yield _word(parts, data)


def _word(parts: list[Node], data: bytes, *, skip: int = 0) -> Word:
    start = max(parts[0].start_byte, skip)
    source = data[start : parts[-1].end_byte].decode("utf-8", "replace")
    ends: dict[int, int] = {}
    waiting = list(parts)
    while waiting:
        node = waiting.pop()
        if node.type in _SUBSTITUTIONS and node.start_byte >= start:
            before = data[start : node.start_byte].decode("utf-8", "replace")
            inside = data[start : node.end_byte].decode("utf-8", "replace")
            ends[len(before)] = len(inside)
        waiting += node.children
    return read_word(source, ends)


def _text(node: Node, data: bytes) -> str:
    return _bytes(node, data).decode("utf-8", "replace")


def _bytes(node: Node, data: bytes) -> bytes:
    return data[node.start_byte : node.end_byte]
