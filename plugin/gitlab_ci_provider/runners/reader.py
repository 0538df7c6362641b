"""YAML to the dataclasses of a runner: every problem at once, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.raw import Map, Mark, Node, Seq, to_data
from gitlab_ci_provider.model.runner_parts import Manifest
from gitlab_ci_provider.runners.forms import form_problem
from gitlab_ci_provider.runners.shapes import shape_problems

Value = TypeVar("Value")


class Reader:
    """Reads values into a list of findings; what is wrong is left at its default."""

    def __init__(self, diagnostics: Diagnostics):
        self._diagnostics = diagnostics

    def read(self, node: Node, kind: type[Value], mark: Mark, base: Value) -> Value:
        """Read a dataclass from a mapping; what is not written keeps the value of `base`."""
        if not isinstance(node, Map):
            self._wrong("must be a mapping", mark)
            return base
        known, types = _options(kind)  # type: ignore[arg-type]  # a class can be hashed
        given = dict[str, Any]()
        for key, value in node.items():
            place = node.place(key)
            if key not in known:
                self._unknown(key, list(known), place)
            elif value is not None:
                about = known[key].metadata
                read = _Option(self, key, about, getattr(base, key))
                given[key] = read.value(value, types[key], place)
        default: dict[str, Any] = {name: getattr(base, name) for name in known}
        return kind(**{**default, **given})

    def _unknown(self, key: str, known: list[str], mark: Mark) -> None:
        hint = self._diagnostics.meant(key, known)
        self._diagnostics.error("runner-unknown-key", f"unknown option '{key}'", mark, hint)

    def _wrong(self, words: str, mark: Mark, code: str = "runner-type") -> None:
        self._diagnostics.error(code, words, mark)


@cache
def _options(kind: type[Any]) -> tuple[dict[str, Field[Any]], dict[str, Any]]:
    """Return the fields of a dataclass and their types, which are slow to find out."""
    return {field.name: field for field in fields(kind)}, get_type_hints(kind)


class _Option:
    """Reads one option."""

    def __init__(self, reader: Reader, key: str, about: Mapping[str, Any], default: Any):
        self._reader = reader
        self._key = key
        self._about = about
        self._default = default

    def value(self, node: Node, kind: Any, mark: Mark) -> Any:
        """Read it by its type."""
        if kind is object:
            return to_data(node)
        if isinstance(kind, UnionType):
            kind = next(part for part in get_args(kind) if part is not NoneType)
        if is_dataclass(kind) and isinstance(kind, type):
            base = self._default if isinstance(self._default, kind) else kind()
            return self._reader.read(node, kind, mark, base)
        if get_origin(kind) is tuple:
            return self._items(node, get_args(kind)[0], mark)
        if kind == Manifest:
            return self._manifest(node, mark)
        if get_origin(kind) is not Literal and kind not in (str, int, bool):
            return self._mapping(node, get_args(kind)[1], mark)
        return self._plain(node, kind, mark)

    def _items(self, node: Node, kind: Any, mark: Mark) -> tuple[Any, ...]:
        """Read a list; a single value stands for a list of it, as in config.toml."""
        if not isinstance(node, Seq):
            node = Seq(mark, [node], [mark])
        pairs = zip(node, (node.place(position) for position in range(len(node))), strict=True)
        return tuple(self.value(item, kind, place) for item, place in pairs)

    def _manifest(self, node: Node, mark: Mark) -> Any:
        found = False
        for words, place in shape_problems(node, self._about["kubernetes"], mark):
            found = True
            self._wrong(words, place, "runner-kubernetes")
        return {} if found else to_data(node)

    def _mapping(self, node: Node, kind: type, mark: Mark) -> dict[str, Any]:
        """Read a mapping of plain values; the form is that of its keys."""
        if not isinstance(node, Map):
            self._wrong("must be a mapping", mark)
            return {}
        for key, value in node.items():
            if problem := form_problem(self._about["form"], key):
                self._wrong(problem, node.place(key), "runner-value")
            if type(value) is not kind:
                self._wrong(f"{key}: must be {_WORDS[kind]}", node.place(key))
        return {key: value for key, value in node.items() if type(value) is kind}

    def _plain(self, node: Node, kind: Any, mark: Mark) -> Any:
        form = self._about["form"]
        if form == "quantity" and isinstance(node, int | float) and not isinstance(node, bool):
            node = str(node)
        choices = get_args(kind)
        if choices and node not in choices:
            listed = ", ".join(f"'{choice}'" for choice in choices if choice)
            self._wrong(f"must be one of {listed}", mark, "runner-value")
            return self._default
        if not choices and type(node) is not kind:
            self._wrong(f"must be {_WORDS[kind]}", mark)
            return kind()
        if isinstance(node, int) and not 0 <= node <= MOST:
            self._wrong(f"must be between 0 and {MOST}", mark, "runner-value")
            return self._default
        if isinstance(node, str) and (problem := form_problem(form, node)):
            self._wrong(problem, mark, "runner-value")
        return node

    def _wrong(self, words: str, mark: Mark, code: str = "runner-type") -> None:
        self._reader._wrong(f"{self._key}: {words}", mark, code)  # noqa: SLF001 - its other half


MOST = 2**31 - 1
"""What Kubernetes takes as an id, and more seconds than anybody waits."""

_WORDS = {str: "a string", int: "a whole number", bool: "true or false"}
