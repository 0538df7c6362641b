"""Shared readers: a value in the file becomes a value of the model, or a message says why not.

A `Field` is a value, its place and how GitLab names it in messages. Readers return the value, or
None after reporting what is wrong; a key that is absent or null has no field.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard, TypeVar

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.raw import Map, Mark, Node, Seq, to_data

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=str)


@dataclass(frozen=True, slots=True)
class Field:
    """A value as written.

    Attributes:
        label: GitLab's path of the entry, for example `jobs:rspec:artifacts`.
        subject: what messages begin with: the label and `config`, or the label and an attribute.
    """

    value: Node
    label: str
    subject: str
    mark: Mark
    diagnostics: Diagnostics

    def refuse(self, problem: str, code: str = "keyword-invalid", hint: str | None = None) -> None:
        """Report in GitLab's words that the value is not accepted."""
        self.diagnostics.error(code, f"{self.subject} {problem}", self.mark, hint)

    def refuse_as(
        self, problem: str, code: str = "keyword-invalid", hint: str | None = None
    ) -> None:
        """Report about the entry as a whole, in words that name the attribute themselves."""
        self.diagnostics.error(code, f"{self.label} {problem}", self.mark, hint)

    def refuse_words(self, problem: str, wrong: Sequence[str], known: Collection[str]) -> None:
        """Report words that are none of the known ones, and suggest which may be meant."""
        self.refuse(problem, hint=self.diagnostics.all_meant(wrong, known))

    def entry(self, key: str) -> Field | None:
        """Return a key that is an entry of its own: messages say `label:key config`."""
        if not isinstance(self.value, Map) or self.value.get(key) is None:
            return None
        label = f"{self.label}:{key}" if self.label else key
        place = self.value.place(key)
        return Field(self.value[key], label, f"{label} config", place, self.diagnostics)

    def attribute(self, key: str) -> Field | None:
        """Return a key that belongs to this entry: messages say `label key`."""
        if not isinstance(self.value, Map) or self.value.get(key) is None:
            return None
        subject = f"{self.label} {key.replace('_', ' ')}"
        return Field(self.value[key], self.label, subject, self.value.place(key), self.diagnostics)

    def items(self, name: str | None = None) -> Iterator[Field]:
        """Yield the items of a list; `name` makes each an entry of its own."""
        if not isinstance(self.value, Seq):
            return
        label = f"{self.label}:{name}" if name else self.label
        subject = f"{label} config" if name else self.subject
        for position, item in enumerate(self.value):
            yield Field(item, label, subject, self.value.place(position), self.diagnostics)

    def read(self, key: str, reader: Callable[[Field], Value | None]) -> Value | None:
        """Read a key that is an entry; None when it is absent or wrong."""
        field = self.entry(key)
        return reader(field) if field else None

    def get(self, key: str, reader: Callable[[Field], Value | None]) -> Value | None:
        """Read a key that is an attribute; None when it is absent or wrong."""
        field = self.attribute(key)
        return reader(field) if field else None

    def only(self, allowed: Collection[str]) -> None:
        """Report keys that GitLab does not know here."""
        if not isinstance(self.value, Map):
            return
        unknown = [key for key in self.value if key not in allowed]
        if unknown:
            place = self.value.place(unknown[0])
            problem = f"contains unknown keys: {', '.join(unknown)}"
            hint = self.diagnostics.all_meant(unknown, allowed)
            self.diagnostics.error("keyword-unknown", f"{self.subject} {problem}", place, hint)


def exclusive(field: Field, *keys: str) -> None:
    """Report keys that are written together and must not be, in the order of the file."""
    both = [key for key in field.value if key in keys] if isinstance(field.value, Map) else []
    if len(both) > 1:
        field.refuse(f"these keys cannot be used together: {', '.join(both)}")


def flat_items(field: Field, name: str = "") -> Iterator[Field]:
    """Yield the entries of nested lists in order, nulls left out; `name` is added to the label."""
    label = f"{field.label}:{name}" if name else field.label
    for value, mark in _flat_values(field.value, field.mark):
        if value is not None:
            yield Field(value, label, f"{label} config", mark, field.diagnostics)


def _flat_values(node: Node, mark: Mark) -> Iterator[tuple[Node, Mark]]:
    if not isinstance(node, Seq):
        yield node, mark
        return
    for position, item in enumerate(node):
        yield from _flat_values(item, node.place(position))


def mapping(field: Field, allowed: Collection[str], problem: str = "should be a hash") -> bool:
    """Check that the value is a mapping with known keys."""
    if not isinstance(field.value, Map):
        field.refuse(problem)
        return False
    field.only(allowed)
    return True


def data_mapping(field: Field, keys: Collection[str]) -> dict[str, object]:
    """Read a mapping with known keys as plain data; empty when it is not a mapping."""
    if not mapping(field, keys) or not isinstance(field.value, Map):
        return {}
    return {key: to_data(value) for key, value in field.value.items()}


def text(field: Field) -> str | None:
    """Read a text."""
    if isinstance(field.value, str):
        return field.value
    field.refuse("should be a string")
    return None


def boolean(field: Field) -> bool | None:
    """Read a boolean, in any of YAML 1.1's spellings."""
    if isinstance(field.value, bool):
        return field.value
    field.refuse("should be a boolean value")
    return None


def strings(field: Field) -> tuple[str, ...] | None:
    """Read a list of texts."""
    if _is_strings(field.value):
        return _texts(field.value)
    field.refuse("should be an array of strings")
    return None


def strings_or_string(field: Field) -> tuple[str, ...] | None:
    """Read a list of texts, or one text."""
    if isinstance(field.value, str):
        return (field.value,)
    if _is_strings(field.value):
        return _texts(field.value)
    field.refuse("should be an array of strings or a string")
    return None


def choice(field: Field, allowed: tuple[Choice, ...]) -> Choice | None:
    """Read one of a few words."""
    for word in allowed:
        if field.value == word:
            return word
    if not isinstance(field.value, str):
        field.refuse("should be a string")
    field.refuse(f"should be one of: {', '.join(allowed)}")
    return None


def integers(field: Field) -> tuple[int, ...] | None:
    """Read an integer or a list of integers."""
    value = field.value
    if is_integer(value):
        return (value,)
    if isinstance(value, Seq) and all(is_integer(item) for item in value):
        return tuple(item for item in value if is_integer(item))
    field.refuse("should be an array of integers or an integer")
    return None


def is_blank(value: Node) -> bool:
    """Return whether Rails calls a value blank: nothing, false, empty or only white space."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is False or (isinstance(value, Map | Seq) and not value)


def is_integer(value: Node) -> TypeGuard[int]:
    """Return whether a value is an integer; booleans are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def flat(node: Node) -> Iterator[Node]:
    """Flatten nested lists, in order; a single value counts as a list of one item."""
    if not isinstance(node, Seq):
        yield node
        return
    for item in node:
        yield from flat(item)


def _is_strings(value: Node) -> bool:
    return isinstance(value, Seq) and all(isinstance(item, str) for item in value)


def _texts(value: Node) -> tuple[str, ...]:
    items = value if isinstance(value, Seq) else ()
    return tuple(item for item in items if isinstance(item, str))
